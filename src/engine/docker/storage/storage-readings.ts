import type { DiskSpace } from '../../driver.ts';

/** Disk usage of an installation's image files and plain volumes. */
export interface StorageReadings {
  readonly images: readonly { readonly id: string; readonly name: string; readonly bytes: number }[];
  /** Bytes of plain volumes by engine name. */
  readonly plain: ReadonlyMap<string, number>;
  /** Loop devices whose file is gone. */
  readonly looseDevices: readonly string[];
}

const BLOCK_BYTES = 512;

/** Parses the output of `measureCommand`. Ignores unknown lines. */
export function readStorage(output: string): StorageReadings {
  const images: { id: string; name: string; bytes: number }[] = [];
  const plain = new Map<string, number>();
  const looseDevices: string[] = [];
  for (const line of output.split('\n')) {
    const [, size, blocks, id, name] = /^image (\d+) (\d+) .*\.([^./]+)\/([^/]+)\.img$/.exec(line) ?? [];
    // A sparse file uses less than its size. A full one uses slightly more, for block metadata.
    if (id !== undefined && name !== undefined)
      images.push({ id, name, bytes: Math.min(Number(size), Number(blocks) * BLOCK_BYTES) });
    const [, kibibytes, engineName] = /^plain (\d+)\s+volumes\/(.+)\/_data$/.exec(line) ?? [];
    if (engineName !== undefined) plain.set(engineName, Number(kibibytes) * 1024);
    const [, device] = /^loose (\S+)$/.exec(line) ?? [];
    if (device !== undefined) looseDevices.push(device);
  }
  return { images, plain, looseDevices };
}

/**
 * Parses the output of `diskCommand`; undefined if it is invalid. Blocks reserved for root count neither as used nor as
 * free.
 */
export function readDisk(output: string): DiskSpace | undefined {
  const [blockBytes = Number.NaN, blocks = Number.NaN, free = Number.NaN, available = Number.NaN] = output
    .trim()
    .split(/\s+/)
    .map(Number);
  const usedBytes = (blocks - free) * blockBytes;
  const freeBytes = available * blockBytes;
  return Number.isFinite(usedBytes) && Number.isFinite(freeBytes) && blocks > 0 ? { usedBytes, freeBytes } : undefined;
}
