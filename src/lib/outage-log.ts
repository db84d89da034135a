import type { Log } from '../log.ts';

/** Longer than a call from before the recovery takes to fail. */
const STEADY_MS = 10_000;

/** Logs the start and the end of an outage, one line each, however many calls fail in between. */
export class OutageLog {
  readonly #log: Log;
  readonly #subject: string;
  readonly #now: () => number;
  #startedAt: number | undefined;
  #answeredAt: number | undefined;

  /** `subject` begins both messages: "the database". */
  constructor(log: Log, subject: string, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#subject = subject;
    this.#now = now;
  }

  /** Reports a failed call. `since`, by performance.now(), is when the outage began if that was earlier. */
  failed(error: unknown, since = this.#now()): void {
    this.#answeredAt = undefined;
    if (this.#startedAt !== undefined) return;
    this.#startedAt = since;
    this.#log.error({ err: error }, `${this.#subject} does not answer`);
  }

  /**
   * Reports an answered call. The outage ends once no call has failed for 10 s, so a flapping service is one outage.
   */
  answered(): void {
    if (this.#startedAt === undefined) return;
    this.#answeredAt ??= this.#now();
    if (this.#now() - this.#answeredAt < STEADY_MS) return;
    const seconds = Math.round((this.#answeredAt - this.#startedAt) / 100) / 10;
    this.#log.info({ seconds }, `${this.#subject} answers again`);
    this.#startedAt = undefined;
  }
}
