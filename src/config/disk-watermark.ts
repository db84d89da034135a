/** A disk is full once both thresholds are passed. */
export interface DiskWatermark {
  /** The used share of used and free space, in percent. */
  readonly usedPercent: number;
  /** A full disk has fewer free bytes than this. */
  readonly freeBytes: number;
}

const GB = 2 ** 30;

/**
 * Parses `85%`, `20GB`, or both: `85%,20GB` means at least 85 % used and less than 20 GB free. Undefined for other
 * texts.
 */
export function parseDiskWatermark(text: string): DiskWatermark | undefined {
  const [first = '', second, more] = text.split(',');
  const percent = /^(\d{1,2}|100)%$/.exec(first)?.[1];
  const gigabytes = /^(\d{1,6})GB$/i.exec(second ?? (percent === undefined ? first : ''))?.[1];
  const isValid =
    second === undefined
      ? percent !== undefined || gigabytes !== undefined
      : percent !== undefined && gigabytes !== undefined;
  if (!isValid || more !== undefined) return undefined;
  return { usedPercent: Number(percent ?? 0), freeBytes: gigabytes === undefined ? Infinity : Number(gigabytes) * GB };
}

/** Whether the disk is full. A disk without any free byte always is. */
export function isPastWatermark(
  { usedBytes, freeBytes }: { usedBytes: number; freeBytes: number },
  watermark: DiskWatermark,
): boolean {
  if (freeBytes === 0) return true;
  const usedPercent = (100 * usedBytes) / (usedBytes + freeBytes);
  return usedPercent >= watermark.usedPercent && freeBytes < watermark.freeBytes;
}
