import { readFile } from 'node:fs/promises';

/** Linux counts in hundredths of a second for user space, whatever the kernel's own clock. */
const TICK_MS = 10;

/** The CPU time of a process so far, in user and kernel mode, in milliseconds. */
export async function readCpuMs(pid: number): Promise<number> {
  const fields = await readStat(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The CPU time of a process and of its children that have ended, in milliseconds. */
export async function readCpuMsOfFamily(pid: number): Promise<number> {
  const fields = await readStat(pid);
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) * TICK_MS;
}

/** The process that started another one. */
export async function readParent(pid: number): Promise<number> {
  return Number((await readStat(pid))[1]);
}

/** The fields of /proc/PID/stat from the third on. */
async function readStat(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may contain spaces.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
