import { readFile } from 'node:fs/promises';

/** The resident memory of a process, in KB. */
export async function readRss(pid: number): Promise<number> {
  const rss = /^VmRSS:\s*(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (rss === undefined) throw new Error(`/proc/${pid}/status has no VmRSS.`);
  return Number(rss);
}
