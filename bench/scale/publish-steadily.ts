import { createDatabase } from '../../src/db/database.ts';
import { runTransaction } from '../../src/db/transaction.ts';
import { insertEvent, nextEventSeq } from '../../src/events/append-event.ts';

interface PublishOptions {
  readonly databaseUrl: string;
  /** User and VM of each event, in turn. */
  readonly vms: readonly (readonly [userId: string, vmId: string])[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const WRITERS = 16;
const TICK_MS = 20;

/** Writes events at a rate, as a change of a VM would. Resolves to how many there were a second. */
export async function publishSteadily(options: PublishOptions): Promise<number> {
  const { databaseUrl, vms, perSecond, seconds, signal } = options;
  const db = createDatabase(databaseUrl, { max: WRITERS });
  const begun = performance.now();
  let written = 0;
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const due = (): number => ((performance.now() - begun) / 1_000) * perSecond;
  const write = async (): Promise<void> => {
    while (performance.now() - begun < seconds * 1_000 && !ending.aborted) {
      if (written >= due()) {
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
        continue;
      }
      const [userId, vmId] = vms[written % vms.length] ?? ['', ''];
      written += 1;
      await runTransaction(db, async (trx) => {
        const { seq, at } = await nextEventSeq(trx, userId);
        const change = { kind: 'CHANGED', status: 'STOPPED', previousStatus: 'STOPPED', reason: 'USER' } as const;
        await insertEvent(trx, { userId, vmId, seq, at, ...change }, { wakeReconciler: false });
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: WRITERS }, () => write().catch((error: unknown) => failed.abort(error))));
  } finally {
    await db.destroy();
  }
  ending.throwIfAborted();
  return written / ((performance.now() - begun) / 1_000);
}
