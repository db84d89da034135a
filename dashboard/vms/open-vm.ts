import { signal } from '@preact/signals';
import { ask } from '../connection/ask.ts';
import { OpenVm } from '../api/commands.ts';
import { toProblem } from '../api/problem.ts';
import { words } from '../words/words.ts';

/** Why the last attempt to open each VM failed. */
export const openProblems = signal<ReadonlyMap<string, string>>(new Map());

/** What to open of a VM: its app, that of one of its names, or a page of the gateway at its own address. */
export type Place = { readonly name?: string } | { readonly page: 'terminal' | 'files' };

/**
 * Opens a place of a VM in a window of its own. The window opens within the click, or the browser would block it; it
 * gets its address once the link is made, and cannot reach back here.
 */
export async function openVm(vmId: string, place: Place = {}): Promise<void> {
  report(vmId, undefined);
  const opened = window.open('about:blank', '_blank');
  if (opened === null) return report(vmId, words.open.blocked);
  opened.opener = null;
  try {
    opened.location.replace(await openLink(vmId, place));
  } catch (error) {
    opened.close();
    report(vmId, toProblem(error).message);
  }
}

/** A link that works once, within a minute. */
export async function openLink(vmId: string, place: Place = {}): Promise<string> {
  const name = 'name' in place ? place.name : undefined;
  const { url } = (await ask(OpenVm, { vmId, name: name ?? null })).openVm;
  const { protocol } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') throw new Error(words.open.strange);
  return 'page' in place ? `${url}&to=${place.page}` : url;
}

function report(vmId: string, problem: string | undefined): void {
  const next = new Map(openProblems.peek());
  if (problem === undefined) next.delete(vmId);
  else next.set(vmId, problem);
  openProblems.value = next;
}
