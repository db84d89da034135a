import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A loop device on a file of a volume. */
export interface Loop {
  readonly device: string;
  /** Of the file: it is named after installation and machine. */
  readonly folder: string;
  readonly file: string;
}

/** Those of this machine, of all engines. The kernel names files by the path that they had where they were attached. */
export async function listLoops(): Promise<readonly Loop[]> {
  const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
  return stdout.split('\n').flatMap((line) => {
    const [, device, folder, file] = /^(\S+) +.*\/swiftor\/([^/]+)\/(\S+)/.exec(line.trim()) ?? [];
    return device === undefined || folder === undefined || file === undefined ? [] : [{ device, folder, file }];
  });
}

/** After it, no file in these folders has a device any more that nothing has mounted. */
export async function detachLoops(folders: readonly string[]): Promise<void> {
  for (const { device, folder } of await listLoops())
    if (folders.includes(folder)) await run('losetup', ['-d', device]);
}
