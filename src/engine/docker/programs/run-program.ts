import { DeadlineError, withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import type { ProgramEnd, ProgramOptions } from '../../programs.ts';
import { paceStream } from '../streams/pace-stream.ts';
import { awaitHangUp, type HangUp } from './hang-up.ts';
import { OutputFrames } from './output-frames.ts';
import { programOptions, readHead, splitHead, type ProgramHead } from './program-start.ts';
import { readExitCode, startExec, type Exec, type ExecTools } from './start-exec.ts';

const EXIT_CODE_MILLISECONDS = 5_000;
const START_MILLISECONDS = 10_000;

/** See `EngineDriver.runProgram`. */
export async function runProgram(
  tools: ExecTools,
  ref: string,
  options: ProgramOptions,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  const started = await startExec(tools, ref, programOptions(options.command, options), signal);
  if (started === undefined) return { kind: 'not-running' };
  const run = new ProgramRun(tools, ref, started, options);
  try {
    const head = await withDeadline(options.milliseconds, signal, (abortSignal) => run.read(abortSignal));
    if (head.kind === 'no-user' && options.user !== undefined)
      return await runProgram(tools, ref, { ...options, user: undefined }, signal);
    if (head.kind !== 'started') return { kind: head.kind === 'no-user' ? 'no-shell' : head.kind };
    const exitCode = await readExitCode(tools, started, AbortSignal.timeout(EXIT_CODE_MILLISECONDS));
    // The container was stopped meanwhile.
    if (exitCode === undefined) return { kind: 'not-running' };
    return { kind: 'exited', exitCode, ...run.output() };
  } catch (error) {
    if (error instanceof DeadlineError) return { kind: 'timed-out' };
    throw error;
  } finally {
    await run.end();
  }
}

/** A program that has been started, and its output. */
class ProgramRun {
  readonly #tools: ExecTools;
  readonly #ref: string;
  readonly #started: Exec;
  readonly #options: ProgramOptions;
  readonly #frames: OutputFrames;
  readonly #head = Promise.withResolvers<ProgramHead>();
  #headBytes: Buffer | undefined = Buffer.alloc(0);
  #hangUp: Promise<HangUp> | undefined;
  #hasEnded = false;

  constructor(tools: ExecTools, ref: string, started: Exec, options: ProgramOptions) {
    this.#tools = tools;
    this.#ref = ref;
    this.#started = started;
    this.#options = options;
    this.#frames = new OutputFrames(options.maxOutputBytes);
  }

  /** Reads the output to its end, and resolves to its first line. */
  async read(signal: AbortSignal): Promise<ProgramHead> {
    for await (const chunk of paceStream(this.#started.stream, signal) as AsyncIterable<Buffer>)
      this.#frames.push(chunk, (stdout) => this.#withoutHead(stdout));
    this.#hasEnded = true;
    if (this.#headBytes !== undefined)
      return readHead(this.#headBytes.toString('latin1') || this.#frames.stderr().text);
    return this.#head.promise;
  }

  output() {
    return { stdout: this.#frames.stdout(), stderr: this.#frames.stderr() };
  }

  /** Kills what still runs of it. */
  async end(): Promise<void> {
    const hangUp = await this.#hangUp?.catch(() => undefined);
    if (this.#hasEnded) hangUp?.never();
    else hangUp?.now();
    this.#started.stream.destroy();
  }

  /** Takes the first line out of stdout. */
  #withoutHead(stdout: Buffer): Buffer {
    if (this.#headBytes === undefined) return stdout;
    this.#headBytes = Buffer.concat([this.#headBytes, stdout]);
    const split = splitHead(this.#headBytes);
    if (split === undefined) return Buffer.alloc(0);
    this.#headBytes = undefined;
    this.#head.resolve(split.head);
    if (split.head.kind === 'started') {
      const how = { session: split.head.pid, user: this.#options.user, graceSeconds: 0 };
      this.#hangUp = awaitHangUp(this.#tools, this.#ref, how, AbortSignal.timeout(START_MILLISECONDS));
      // It has waited for this line, and for the end of its input if it cannot be ended.
      this.#hangUp.then(
        () => void this.#started.stream.end('go\n'),
        () => void this.#started.stream.end(),
      );
    }
    return split.rest;
  }
}
