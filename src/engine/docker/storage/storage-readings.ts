import type { DiskSpace } from '../../engine-reports.ts';
import type { MeasuredDirectory } from './storage-commands.ts';

/** Disk usage of an installation's image files, and of directories of the engine. */
export interface StorageReadings {
  readonly images: readonly { readonly id: string; readonly name: string; readonly bytes: number }[];
  /** By kind and engine name. Lacks directories that the engine keeps elsewhere. */
  readonly directories: Readonly<Record<MeasuredDirectory['kind'], ReadonlyMap<string, DirectorySize>>>;
  /** Loop devices whose file is gone. */
  readonly looseDevices: readonly string[];
}

export interface DirectorySize {
  readonly bytes: number;
  /** False if the measurement was cut short: then it has at least `bytes`. */
  readonly isWhole: boolean;
}

const BLOCK_BYTES = 512;

/**
 * What each file and directory counts at least. A disk has about one inode for 16 KiB (mkfs.ext4's default), and
 * without an inode nobody can create a file, however much space is left.
 */
export const FILE_BYTES = 16 * 1024;

/** Parses the output of `measureCommand`. Ignores unknown lines. */
export function readStorage(output: string): StorageReadings {
  const images: { id: string; name: string; bytes: number }[] = [];
  const directories = { volume: new Map<string, DirectorySize>(), layer: new Map<string, DirectorySize>() };
  const looseDevices: string[] = [];
  for (const line of output.split('\n')) {
    const [, size, blocks, id, name] = /^image (\d+) (\d+) .*\.([^./]+)\/([^/]+)\.img$/.exec(line) ?? [];
    // A sparse file uses less than its size. A full one uses slightly more, for block metadata.
    if (id !== undefined && name !== undefined)
      images.push({ id, name, bytes: Math.min(Number(size), Number(blocks) * BLOCK_BYTES) });
    const directory = /^(?:whole (?<kib>\d+)|cut) (?<files>\d+) (?<kind>volume|layer) (?<name>.+)$/.exec(line)?.groups;
    if (directory !== undefined) {
      const { kib, files, kind, name: engineName = '' } = directory;
      const bytes = Math.max(Number(kib ?? 0) * 1024, Number(files) * FILE_BYTES);
      directories[kind === 'layer' ? 'layer' : 'volume'].set(engineName, { bytes, isWhole: kib !== undefined });
    }
    const [, device] = /^loose (\S+)$/.exec(line) ?? [];
    if (device !== undefined) looseDevices.push(device);
  }
  return { images, directories, looseDevices };
}

/**
 * Parses the output of `diskCommand`; undefined if it is invalid. Blocks reserved for root count neither as used nor as
 * free. File systems without a fixed number of inodes report none.
 */
export function readDisk(output: string): DiskSpace | undefined {
  const [
    blockBytes = Number.NaN,
    blocks = Number.NaN,
    free = Number.NaN,
    available = Number.NaN,
    inodes = 0,
    spare = 0,
  ] = output.trim().split(/\s+/).map(Number);
  const usedBytes = (blocks - free) * blockBytes;
  const freeBytes = available * blockBytes;
  if (!Number.isFinite(usedBytes) || !Number.isFinite(freeBytes) || blocks <= 0) return undefined;
  return { usedBytes, freeBytes, ...(inodes > 0 && { files: { used: inodes - spare, free: spare } }) };
}
