import { ask } from '../api/ask.ts';
import { VmCount } from '../api/desk.ts';

const AGAIN_MS = 1_000;

interface Counting {
  /** A first answer that is known without asking. */
  readonly given?: Promise<number | undefined> | undefined;
  readonly signal: AbortSignal;
  readonly onCount: (count: number) => void;
}

/** Calls back with the number of VMs of the account, each second anew, until the signal aborts. */
export async function countVms({ given, signal, onCount }: Counting): Promise<void> {
  let first = given;
  while (!signal.aborted) {
    const answer = await (first ?? readCount(signal));
    first = undefined;
    if (signal.aborted) return;
    if (answer !== undefined) onCount(answer);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, AGAIN_MS);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}

async function readCount(signal: AbortSignal): Promise<number | undefined> {
  return ask(VmCount, {}, { signal }).then(
    ({ vms }) => vms.totalCount,
    () => undefined,
  );
}
