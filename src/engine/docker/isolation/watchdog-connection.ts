import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import type { EngineCall } from '../connection/engine-call.ts';

/** A check takes about 10 ms. A watchdog that exceeds this is stopped or starved. */
const ANSWER_MILLISECONDS = 10_000;
/** Longer than a line of the watchdog. */
const TAIL_LENGTH = 4096;

export interface ConnectionTools {
  readonly docker: Docker;
  readonly call: EngineCall;
}

/**
 * A connection to the watchdog's stdin and stdout. The watchdog reads a token, checks the rules, and echoes the token
 * in a line with its report. The echo proves that the rules were in place after the question, even on a busy host. A
 * signal to the watchdog would not be acknowledged.
 */
export class WatchdogConnection {
  readonly #stream: Duplex;
  readonly #asked = new Map<string, (answered: boolean) => void>();
  /** The end of the output so far, which may contain the start of an answer. */
  #tail = '';
  #isOpen = true;
  #report = '';

  private constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    for (const end of ['end', 'close', 'error']) stream.on(end, () => this.close());
  }

  /** Rejects if the container does not exist or does not run. */
  static async open({ docker, call }: ConnectionTools, ref: string, signal: AbortSignal): Promise<WatchdogConnection> {
    const options = { stream: true, stdin: true, stdout: true, hijack: true } as const;
    const attach = async (abortSignal: AbortSignal) => docker.getContainer(ref).attach({ ...options, abortSignal });
    return new WatchdogConnection((await call('attach to the watchdog', signal, attach)) as Duplex);
  }

  /** What the watchdog reported with its last answer; see watchdog.sh. */
  get report(): string {
    return this.#report;
  }

  /** True if the watchdog has checked the rules since the call; false if it does not answer in time. */
  async ask(signal: AbortSignal): Promise<boolean> {
    if (!this.#isOpen) return false;
    const token = randomUUID();
    try {
      const answer = new Promise<boolean>((resolve) => this.#asked.set(token, resolve));
      this.#stream.write(`${token}\n`);
      return await withDeadline(ANSWER_MILLISECONDS, signal, () => answer);
    } catch {
      signal.throwIfAborted();
      this.close();
      return false;
    } finally {
      this.#asked.delete(token);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream.destroy();
    for (const answer of this.#asked.values()) answer(false);
  }

  /** Searches for the tokens, ignoring the engine's frame headers: a line is always within one frame. */
  #read(text: string): void {
    const seen = this.#tail + text;
    for (const [token, answer] of this.#asked) {
      const start = seen.indexOf(token);
      const end = start === -1 ? -1 : seen.indexOf('\n', start);
      if (end === -1) continue;
      this.#report = seen.slice(start + token.length, end).trim();
      answer(true);
    }
    this.#tail = seen.slice(-TAIL_LENGTH);
  }
}
