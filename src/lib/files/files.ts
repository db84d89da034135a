import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder with the files that the code reads: the project's, or the one that `tools/server/build.ts` has filled. */
export const FILES = folderWith('migrations', import.meta.dirname);

/** Where the dashboard and the pages of VMs are, and the progress of image builds. */
export const BUILT = import.meta.url.endsWith('.ts') ? path.join(FILES, '.runtime') : FILES;

/** The nearest folder above: bundled code is at another depth than its sources. */
function folderWith(name: string, folder: string): string {
  if (existsSync(path.join(folder, name))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error(`There is no folder ${name} above ${import.meta.dirname}; build the package.`);
  return folderWith(name, parent);
}
