import { readdir, readFile } from 'node:fs/promises';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway/gateway-process.ts';

/** A gateway may drain for 10 s. */
const END_MS = 12_000;

export interface GatewayUsage {
  readonly pid: number;
  readonly handles: number;
  readonly bytes: number;
}

/** One of the gateways: a process that is started again whenever it ended. */
export class GatewaySlot implements AsyncDisposable {
  readonly name: string;
  /** Each end that nobody asked for, and each that was asked for and was not in order. */
  readonly badEnds: string[] = [];
  starts = 0;
  kills = 0;
  /** Whether a fault keeps it from answering, or did so until a moment ago. */
  isHit = false;
  readonly #env: Readonly<Record<string, string>>;
  readonly #runs: (readonly string[])[] = [];
  #process: GatewayProcess | undefined;

  constructor(name: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#env = env;
  }

  /** Undefined while there is none. */
  get url(): string | undefined {
    return this.#process?.url;
  }

  /** What all of its processes have written. */
  get lines(): readonly string[] {
    return this.#runs.flat();
  }

  async start(extra: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.#process !== undefined) return;
    const started = await startGatewayProcess({ ...this.#env, ...extra });
    this.starts += 1;
    this.#runs.push(started.lines);
    this.#process = started;
    void started.exited.then((how) => {
      if (this.#process !== started) return;
      this.#process = undefined;
      this.badEnds.push(`${this.name} ended with ${how}: ${lastWords(started.lines)}`);
    });
  }

  /** After it the process is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ending = this.#process;
    if (ending === undefined) return;
    this.#process = undefined;
    this.kills += 1;
    ending.child.kill(signal);
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, END_MS, 'late').unref());
    const how = await Promise.race([ending.exited, late]);
    if (signal === 'SIGTERM' && how !== 0)
      this.badEnds.push(`${this.name} ended with ${how} after SIGTERM: ${lastWords(ending.lines)}`);
    await ending[Symbol.asyncDispose]();
  }

  /** For signals that do not end it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.child.kill(signal);
  }

  async readUsage(): Promise<GatewayUsage | undefined> {
    const pid = this.#process?.child.pid;
    if (pid === undefined) return undefined;
    const handles = await readdir(`/proc/${pid}/fd`);
    const [, pages] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
    return { pid, handles: handles.length, bytes: Number(pages) * 4096 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGCONT');
    const left = this.#process;
    this.#process = undefined;
    await left?.[Symbol.asyncDispose]();
  }
}

/** Without what is structured: a crash is reported in plain text. */
function lastWords(lines: readonly string[]): string {
  const plain = lines.filter((line) => !line.startsWith('{') && line.trim() !== '');
  return plain.slice(-8).join(' | ').slice(0, 600);
}
