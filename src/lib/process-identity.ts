import { readFile } from 'node:fs/promises';

/**
 * Tells a process from a later one with the same pid: when it started, and the boot that this counts from.
 * Undefined where there is no such process or no /proc.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile('/proc/sys/kernel/random/boot_id', 'utf8')]);
    // The command's name, in parentheses, may itself hold spaces and parentheses: fields are counted after the last one.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const started = fields[18];
    return state === 'Z' || state === 'X' || started === undefined ? undefined : `${started}@${boot.trim()}`;
  } catch {
    return undefined;
  }
}

/** True when a process with this pid exists, whoever owns it; a zombie counts. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
