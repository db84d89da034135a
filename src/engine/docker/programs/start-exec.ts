import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';

export interface ExecTools {
  readonly docker: Docker;
  readonly call: EngineCall;
}

export interface Exec {
  readonly exec: Docker.Exec;
  /** Its terminal; without one, frames of stdout and stderr. Has an error listener. */
  readonly stream: Duplex;
}

/** Starts a program in a running container. Undefined if the container does not exist or does not run. */
export async function startExec(
  { docker, call }: ExecTools,
  ref: string,
  options: Docker.ExecCreateOptions,
  signal: AbortSignal,
): Promise<Exec | undefined> {
  const { Tty = false } = options;
  const start = async (abortSignal: AbortSignal): Promise<Exec> => {
    const created = await docker
      .getContainer(ref)
      .exec({ AttachStdin: true, AttachStdout: true, AttachStderr: true, ...options, abortSignal });
    const stream = await created.start({ hijack: true, stdin: true, Tty, abortSignal });
    stream.on('error', () => undefined);
    return { exec: created, stream };
  };
  try {
    return await call('run a program in a container', signal, start);
  } catch (error) {
    if (statusOf(error) === 404 || statusOf(error) === 409) return undefined;
    throw error;
  }
}

/** The exit code of a program that has ended; undefined if the engine does not know it (any more). */
export async function readExitCode(
  { call }: ExecTools,
  { exec }: Pick<Exec, 'exec'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const inspect = async (abortSignal: AbortSignal) => exec.inspect({ abortSignal });
  const state: { Running?: unknown; ExitCode?: unknown } | undefined = await call(
    'report how a program has ended',
    signal,
    inspect,
  ).catch(() => undefined);
  return state?.Running === false && typeof state.ExitCode === 'number' ? state.ExitCode : undefined;
}
