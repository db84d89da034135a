import { createDatabase } from '../../src/db/database.ts';
import { runTransaction } from '../../src/db/transaction.ts';
import type { NewEvent } from '../../src/events/append-event.ts';
import { appendEvents, lockEventSeqs } from '../../src/events/append-events.ts';

interface PublishOptions {
  readonly databaseUrl: string;
  /** User and VM of each event, in turn. */
  readonly vms: readonly (readonly [userId: string, vmId: string])[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const WRITERS = 4;
const TICK_MS = 20;
/** As a gateway's. */
const MAX_BATCH = 200;

/**
 * Writes events at a rate, as gateways do that change many VMs: what is due in a moment is one transaction. Resolves to
 * how many there were a second.
 */
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
      const batch = Math.max(1, Math.min(Math.floor((due() - written) / WRITERS), MAX_BATCH));
      const changed = Array.from(
        { length: batch },
        (_, index) => vms[(written + index) % vms.length] ?? (['', ''] as const),
      );
      written += batch;
      await runTransaction(db, async (trx) => {
        const { seqs, at } = await lockEventSeqs(
          trx,
          changed.map(([userId]) => userId),
        );
        const events = changed.map(([userId, vmId]): NewEvent => {
          const seq = (seqs.get(userId) ?? 0) + 1;
          seqs.set(userId, seq);
          const change = { kind: 'CHANGED', status: 'STOPPED', previousStatus: 'STOPPED', reason: 'USER' } as const;
          return { userId, vmId, seq, at, ...change };
        });
        await appendEvents(trx, events);
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
