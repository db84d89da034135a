import { readFileSync } from 'node:fs';
import { pack, type Pack } from 'tar-stream';
import type { ContextFile } from './build-context.ts';

/** The context of a build as a tar archive, a file at a time. Ends with an error when a file cannot be read. */
export function packContext(files: readonly ContextFile[]): Pack {
  const archive = pack();
  const add = async () => {
    for (const { path, mode, file } of files) {
      const data = readFileSync(file);
      // No time of its own: the same files make the same archive.
      const header = { name: path, mode, mtime: new Date(0) };
      await new Promise<void>((resolve, reject) => {
        archive.entry(header, data, (error) => (error == null ? resolve() : reject(error)));
      });
    }
    archive.finalize();
  };
  add().catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
  return archive;
}
