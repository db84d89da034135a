import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export interface TarEntry {
  /** Of a folder with a slash at its end. */
  readonly name: string;
  readonly mode: number;
  readonly content?: Buffer | string;
  /** Of a symbolic link. */
  readonly linkname?: string;
}

/** A tar archive, owned by root, of the entries. */
export function tarArchive(entries: readonly TarEntry[]): Promise<Buffer<ArrayBuffer>> {
  const archive = pack();
  for (const { name, mode, content = '', linkname } of entries) {
    const type = linkname !== undefined ? 'symlink' : name.endsWith('/') ? 'directory' : 'file';
    archive.entry({ name, mode, type, ...(linkname !== undefined && { linkname }) }, content);
  }
  archive.finalize();
  return buffer(archive);
}
