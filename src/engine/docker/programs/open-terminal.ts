import type { MachineTerminal, ProgramContext, ProgramProblem, TerminalOptions, TerminalSize } from '../../programs.ts';
import { finishDespiteAbort } from '../connection/finish-despite-abort.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { awaitHangUp, type HangUp } from './hang-up.ts';
import { programOptions, readHead, splitHead, type ProgramHead } from './program-start.ts';
import { readExitCode, startExec, type Exec, type ExecTools } from './start-exec.ts';

const HANG_UP_SECONDS = 2;
const EXIT_CODE_MILLISECONDS = 5_000;
const TERMINAL = { Tty: true, Env: ['TERM=xterm-256color', 'COLORTERM=truecolor'] };

/** See `EngineDriver.openTerminal`. */
export function openTerminal(
  tools: ExecTools,
  ref: string,
  { size, ...context }: TerminalOptions,
  signal: AbortSignal,
): Promise<MachineTerminal | ProgramProblem> {
  return finishDespiteAbort(signal, async (late) => {
    const terminal = await open(tools, ref, context, size, late);
    if (signal.aborted && typeof terminal !== 'string') terminal.close();
    return terminal;
  });
}

async function open(
  tools: ExecTools,
  ref: string,
  context: ProgramContext,
  size: TerminalSize,
  signal: AbortSignal,
): Promise<MachineTerminal | ProgramProblem> {
  const started = await startExec(tools, ref, { ...programOptions([], context), ...TERMINAL }, signal);
  if (started === undefined) return 'not-running';
  const head = await tools.call('start a shell', signal, (abortSignal) => takeHead(started, abortSignal));
  if (head.kind === 'no-user' && context.user !== undefined)
    return open(tools, ref, { ...context, user: undefined }, size, signal);
  if (head.kind !== 'started') return head.kind === 'no-user' ? 'no-shell' : head.kind;
  const { user } = context;
  const hangUp = await awaitHangUp(tools, ref, { session: head.pid, user, graceSeconds: HANG_UP_SECONDS }, signal);
  const terminal = toTerminal(tools, started, hangUp);
  await terminal.resize(size);
  return terminal;
}

/** Reads the first line of the output and leaves the rest in the stream. */
async function takeHead({ stream }: Exec, signal: AbortSignal): Promise<ProgramHead> {
  let output = Buffer.alloc(0);
  const { promise, resolve, reject } = Promise.withResolvers<ProgramHead>();
  const onData = (chunk: Buffer) => {
    output = Buffer.concat([output, chunk]);
    const split = splitHead(output);
    if (split === undefined) return;
    stream.pause();
    stream.off('data', onData);
    if (split.rest.length > 0) stream.unshift(split.rest);
    resolve(split.head);
  };
  const onClose = () => resolve(readHead(output.toString('latin1')));
  const onAbort = () => {
    stream.destroy();
    reject(signal.reason);
  };
  stream.on('data', onData).once('end', onClose).once('close', onClose);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    stream.off('end', onClose).off('close', onClose);
    signal.removeEventListener('abort', onAbort);
  }
}

function toTerminal(tools: ExecTools, started: Exec, hangUp: HangUp): MachineTerminal {
  const { exec, stream } = started;
  stream.once('end', () => hangUp.never());
  return {
    stream,
    async resize({ columns, rows }) {
      const resize = async (abortSignal: AbortSignal) => exec.resize({ h: rows, w: columns, abortSignal });
      await tools.call('resize a terminal', new AbortController().signal, resize).catch((error: unknown) => {
        // It has ended.
        if (statusOf(error) === undefined) throw error;
      });
    },
    exitCode: () => readExitCode(tools, started, AbortSignal.timeout(EXIT_CODE_MILLISECONDS)),
    close() {
      hangUp.now();
      stream.destroy();
    },
  };
}
