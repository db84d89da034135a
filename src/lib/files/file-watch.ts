import { stat } from 'node:fs/promises';
import { setInterval } from 'node:timers';

const CHECK_EVERY_MS = 2_000;

interface FileWatchOptions {
  readonly files: readonly string[];
  /** Must not reject; calls `note` before it reads. */
  readonly onChange: () => Promise<void>;
  readonly everyMs?: number | undefined;
}

/** Notices changes of files: those that are written, replaced or linked to another one. A file may be missing. */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #timer: NodeJS.Timeout;
  /** What the files looked like when they were last read, and at the last check. */
  #read = '';
  #seen = '';
  #isChecking = false;

  private constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#check(), options.everyMs ?? CHECK_EVERY_MS).unref();
  }

  /** Watches the files from now on: read them after this. */
  static async open(options: FileWatchOptions): Promise<FileWatch> {
    const watch = new FileWatch(options);
    await watch.note();
    return watch;
  }

  /** Takes the files as they are for read. */
  async note(): Promise<void> {
    this.#read = this.#seen = await stateOf(this.#options.files);
  }

  /** Takes the files for changed. */
  forget(): void {
    this.#read = '';
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Tells what has changed once it stays the same for a round: a file may be written in parts. */
  async #check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const state = await stateOf(this.#options.files);
      const isSettled = state === this.#seen;
      this.#seen = state;
      if (isSettled && state !== this.#read) await this.#options.onChange();
    } finally {
      this.#isChecking = false;
    }
  }
}

async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map(async (file) => {
    const found = await stat(file).catch(() => undefined);
    return found === undefined ? 'missing' : [found.mtimeMs, found.size, found.ino].join(' ');
  });
  return (await Promise.all(states)).join(', ');
}
