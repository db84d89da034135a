import type { Log } from '../log.ts';

/** Logs an outage once at its start and once at its end, however many calls fail in between. */
export interface OutageLog {
  failed(error: unknown): void;
  /** A call was answered. Ends the outage once no call has failed for 10 s: an unsteady one is one outage. */
  answered(): void;
}

/** Longer than a call that began before the end takes to fail. */
const STEADY_MS = 10_000;

/** `what` is the subject of both sentences: "the database". */
export function createOutageLog(log: Log, what: string, now: () => number = () => performance.now()): OutageLog {
  let begunAt: number | undefined;
  let answeredAt: number | undefined;
  return {
    failed(error) {
      answeredAt = undefined;
      if (begunAt !== undefined) return;
      begunAt = now();
      log.error({ err: error }, `${what} does not answer`);
    },
    answered() {
      if (begunAt === undefined) return;
      answeredAt ??= now();
      if (now() - answeredAt < STEADY_MS) return;
      log.info({ seconds: Math.round((answeredAt - begunAt) / 100) / 10 }, `${what} answers again`);
      begunAt = undefined;
    },
  };
}
