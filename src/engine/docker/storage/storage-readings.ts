import type { DiskSpace } from '../../driver.ts';

/** What the files and volumes of an installation hold on the engine's disk. */
export interface StorageReadings {
  readonly images: readonly { readonly id: string; readonly name: string; readonly bytes: number }[];
  /** Bytes of plain volumes, by the engine's names. */
  readonly plain: ReadonlyMap<string, number>;
  /** Loop devices whose file is gone. */
  readonly looseDevices: readonly string[];
}

const BLOCK_BYTES = 512;

/** From what `measureCommand` printed; lines that are something else are passed over. */
export function readStorage(output: string): StorageReadings {
  const images: { id: string; name: string; bytes: number }[] = [];
  const plain = new Map<string, number>();
  const looseDevices: string[] = [];
  for (const line of output.split('\n')) {
    const [, size, blocks, id, name] = /^image (\d+) (\d+) .*\.([^./]+)\/([^/]+)\.img$/.exec(line) ?? [];
    // A sparse file holds less than its size; a full one a little more, for the list of its blocks.
    if (id !== undefined && name !== undefined) images.push({ id, name, bytes: Math.min(Number(size), Number(blocks) * BLOCK_BYTES) });
    const [, kibibytes, engineName] = /^plain (\d+)\s+volumes\/(.+)\/_data$/.exec(line) ?? [];
    if (engineName !== undefined) plain.set(engineName, Number(kibibytes) * 1024);
    const [, device] = /^loose (\S+)$/.exec(line) ?? [];
    if (device !== undefined) looseDevices.push(device);
  }
  return { images, plain, looseDevices };
}

/** From what `diskCommand` printed; undefined when that is no reading. What is kept for root alone counts neither as used nor as free. */
export function readDisk(output: string): DiskSpace | undefined {
  const [blockBytes = Number.NaN, blocks = Number.NaN, free = Number.NaN, available = Number.NaN] = output.trim().split(/\s+/).map(Number);
  const usedBytes = (blocks - free) * blockBytes;
  const freeBytes = available * blockBytes;
  return Number.isFinite(usedBytes) && Number.isFinite(freeBytes) && blocks > 0 ? { usedBytes, freeBytes } : undefined;
}
