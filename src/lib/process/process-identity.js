// Plain JavaScript: scripts/prepare.js runs it on a Node that cannot load TypeScript.
import { readFile } from 'node:fs/promises';

/**
 * Identifies a process by its start time and boot id, which differ for a later process with the same pid.
 * Undefined if the process does not exist, is a zombie, or if there is no /proc.
 *
 * @param {number} pid
 * @returns {Promise<string | undefined>}
 */
export async function processIdentity(pid) {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The command name, in parentheses, may contain spaces and parentheses: count fields after the last one.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const started = fields[18];
    return state === 'Z' || state === 'X' || started === undefined ? undefined : `${started}@${boot.trim()}`;
  } catch {
    return undefined;
  }
}

/**
 * Whether a process of any user has this pid. Zombies count.
 *
 * @param {number} pid
 */
export function pidExists(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
