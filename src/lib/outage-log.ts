import type { Log } from '../log.ts';

/** Logs the start and the end of an outage, one line each, however many calls fail in between. */
export interface OutageLog {
  /** Reports a failed call. `since`, by performance.now(), is when the outage began if that was earlier. */
  failed(error: unknown, since?: number): void;
  /**
   * Reports an answered call. The outage ends once no call has failed for 10 s, so a flapping service is one outage.
   */
  answered(): void;
}

/** Longer than a call from before the recovery takes to fail. */
const STEADY_MS = 10_000;

/** `subject` begins both messages: "the database". */
export function createOutageLog(log: Log, subject: string, now: () => number = () => performance.now()): OutageLog {
  let startedAt: number | undefined;
  let answeredAt: number | undefined;
  return {
    failed(error, since = now()) {
      answeredAt = undefined;
      if (startedAt !== undefined) return;
      startedAt = since;
      log.error({ err: error }, `${subject} does not answer`);
    },
    answered() {
      if (startedAt === undefined) return;
      answeredAt ??= now();
      if (now() - answeredAt < STEADY_MS) return;
      log.info({ seconds: Math.round((answeredAt - startedAt) / 100) / 10 }, `${subject} answers again`);
      startedAt = undefined;
    },
  };
}
