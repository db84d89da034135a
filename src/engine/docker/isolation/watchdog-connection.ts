import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { withDeadline } from '../../../lib/with-deadline.ts';
import type { EngineCall } from '../connection/engine-call.ts';

/** A guard looks in some 10 ms; one that is stopped, or starved, is as good as none. */
const ANSWER_MILLISECONDS = 10_000;
const WORD_LENGTH = 36;

/**
 * A line to the guard: a word that goes in comes back once the guard has looked at the rules after reading it. So whoever asked knows that the
 * walls stood at a moment after the question, however busy the host is; a signal to the guard would promise that only for some time later.
 */
export class WatchdogConnection {
  readonly #stream: Duplex;
  readonly #asked = new Map<string, (answered: boolean) => void>();
  /** The end of what came, in which a word may just have begun. */
  #tail = '';
  #isOpen = true;

  private constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    for (const end of ['end', 'close', 'error']) stream.on(end, () => this.close());
  }

  /** Rejects as the engine does when there is no such container, or when it does not run. */
  static async open({ docker, call }: { docker: Docker; call: EngineCall }, ref: string, signal: AbortSignal): Promise<WatchdogConnection> {
    const options = { stream: true, stdin: true, stdout: true, hijack: true } as const;
    const attach = async (abortSignal: AbortSignal) => docker.getContainer(ref).attach({ ...options, abortSignal });
    return new WatchdogConnection((await call('speak to the guard', signal, attach)) as Duplex);
  }

  /** True when the guard has looked at the rules since the call; false when it does not answer. Rejects with the signal's reason. */
  async ask(signal: AbortSignal): Promise<boolean> {
    if (!this.#isOpen) return false;
    const word = randomUUID();
    try {
      const answer = new Promise<boolean>((resolve) => this.#asked.set(word, resolve));
      this.#stream.write(`${word}\n`);
      return await withDeadline(ANSWER_MILLISECONDS, signal, () => answer);
    } catch {
      signal.throwIfAborted();
      this.close();
      return false;
    } finally {
      this.#asked.delete(word);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream.destroy();
    for (const answer of this.#asked.values()) answer(false);
  }

  /** The engine puts a header before each piece; a word is in one piece, and nothing else looks like it. */
  #read(text: string): void {
    const seen = this.#tail + text;
    for (const [word, answer] of this.#asked) if (seen.includes(word)) answer(true);
    this.#tail = seen.slice(-WORD_LENGTH);
  }
}
