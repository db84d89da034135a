import { readScript } from '../shell/read-script.ts';
import { startExec, type ExecTools } from './start-exec.ts';

const SCRIPT = readScript('hang-up');

/** Ends the processes of a session in a machine. */
export interface HangUp {
  /** Ends them now: HUP, and KILL after the grace period. */
  now(): void;
  /** Leaves them alone: the session has ended on its own. */
  never(): void;
}

/**
 * Waits in the container to end the processes of a session, which the engine itself does not do when a connection ends.
 * It is a process there, so that they end also when the gateway is killed. As the same user, who may signal them.
 */
export async function awaitHangUp(
  tools: ExecTools,
  ref: string,
  { session, user, graceSeconds }: { session: number; user: string | undefined; graceSeconds: number },
  signal: AbortSignal,
): Promise<HangUp> {
  const Cmd = ['/bin/sh', '-c', SCRIPT, 'hang-up', String(session), String(graceSeconds)];
  const started = await startExec(tools, ref, { Cmd, ...(user !== undefined && { User: user }) }, signal);
  started?.stream.resume();
  return {
    now: () => void started?.stream.destroy(),
    never: () => void started?.stream.end('ended\n'),
  };
}
