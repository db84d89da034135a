import { buffer } from 'node:stream/consumers';
import { splitOutput } from '../../../src/engine/docker/streams/split-output.ts';
import { docker } from './engines.ts';

/** Runs a program inside a container: how it ended, and what it wrote, at most `maxBytes` of it. */
export async function execIn(
  ref: string,
  argv: readonly string[],
  maxBytes = 64 * 1024,
): Promise<{ exitCode: number; output: string }> {
  const exec = await docker.getContainer(ref).exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true });
  const { stdout, stderr } = splitOutput(await buffer(await exec.start({})), maxBytes);
  const { ExitCode } = await exec.inspect();
  return { exitCode: ExitCode ?? -1, output: stdout + stderr };
}
