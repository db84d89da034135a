import { readFile } from 'node:fs/promises';

/** Linux counts in hundredths of a second for user space, whatever the kernel's own clock. */
const TICK_MS = 10;

/** The CPU time of a process so far, in user and kernel mode, in milliseconds. */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
