/** When a disk counts as full: once both hold. */
export interface DiskWatermark {
  /** Used, of what is used and free together. */
  readonly usedPercent: number;
  /** Free in bytes are fewer than this. */
  readonly freeBytes: number;
}

const GB = 2 ** 30;

/**
 * `85%`, `20GB` or both: `85%,20GB` is a disk that is used to 85 % or more and has less than 20 GB left. Undefined for any other text.
 */
export function parseDiskWatermark(text: string): DiskWatermark | undefined {
  const [first = '', second, more] = text.split(',');
  const percent = /^(\d{1,2}|100)%$/.exec(first)?.[1];
  const gigabytes = /^(\d{1,6})GB$/i.exec(second ?? (percent === undefined ? first : ''))?.[1];
  const isSound =
    second === undefined ? percent !== undefined || gigabytes !== undefined : percent !== undefined && gigabytes !== undefined;
  if (!isSound || more !== undefined) return undefined;
  return { usedPercent: Number(percent ?? 0), freeBytes: gigabytes === undefined ? Infinity : Number(gigabytes) * GB };
}

/** Whether the disk counts as full. One that is full to the last byte always does. */
export function isPastWatermark({ usedBytes, freeBytes }: { usedBytes: number; freeBytes: number }, watermark: DiskWatermark): boolean {
  if (freeBytes === 0) return true;
  const usedPercent = (100 * usedBytes) / (usedBytes + freeBytes);
  return usedPercent >= watermark.usedPercent && freeBytes < watermark.freeBytes;
}
