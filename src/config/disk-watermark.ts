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

/** A disk has about one inode for so many bytes (mkfs.ext4's default). */
const BYTES_PER_FILE = 16 * 1024;

interface Space {
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Inodes, which run out like bytes. */
  readonly files?: { readonly used: number; readonly free: number };
}

/**
 * Whether the disk is full, of bytes or of files. A disk without any free byte or file always is. Of files, 1 GB stands
 * for the 65,536 that a disk usually has for it.
 */
export function isPastWatermark({ usedBytes, freeBytes, files }: Space, watermark: DiskWatermark): boolean {
  const isPast = (used: number, free: number, lowest: number) =>
    free === 0 || ((100 * used) / (used + free) >= watermark.usedPercent && free < lowest);
  if (files !== undefined && isPast(files.used, files.free, watermark.freeBytes / BYTES_PER_FILE)) return true;
  return isPast(usedBytes, freeBytes, watermark.freeBytes);
}
