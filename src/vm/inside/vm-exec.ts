import type { Actor } from '../../audit/viewer.ts';
import { EngineError } from '../../engine/engine-error.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import { ApiError, badInput, type FieldProblem } from '../../errors.ts';
import { done, refuseWhileDeleting, runCommand, type VmDependencies } from '../commands/vm-command.ts';
import type { ExecPlaces } from './exec-places.ts';

export interface ExecDependencies extends VmDependencies {
  readonly driverOf: (region: string) => EngineDriver;
  readonly execPlaces: ExecPlaces;
}

/** How a program has ended in a VM. */
export interface VmExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
}

interface ExecInput {
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
}

/** Less than the 60 s after which common proxies give up on an answer. */
const MAX_SECONDS = 50;
const MAX_ARGUMENTS = 256;
const MAX_COMMAND_BYTES = 64 * 1024;
const MAX_OUTPUT_BYTES = 256 * 1024;
/** For the engine's calls around the program. */
const SLACK_MS = 30_000;
const PROGRAM = /^[\w./+@:-]{1,100}$/;

/**
 * Runs a program in the VM's container and waits for its end. The audit has the program's name, and nothing of its
 * arguments.
 */
export async function vmExec(
  deps: ExecDependencies,
  actor: Actor,
  vmId: string,
  input: ExecInput,
): Promise<VmExecResult> {
  const { command, timeoutSeconds } = input;
  const [program, ...args] = command;
  const problems = findProblems(input);
  if (problems.length > 0 || program === undefined) throw badInput(problems);
  const vm = await runCommand(deps, actor, vmId, 'COMMAND_RUN', async ({ vm: current }) => {
    refuseWhileDeleting(current);
    if (!['RUNNING', 'DEGRADED'].includes(current.status)) throw notRunning(vmId);
    return done({ program: PROGRAM.test(program) ? program : '', arguments: args.length });
  });
  if (vm.engineRef === null) throw notRunning(vmId);
  const leave = deps.execPlaces.enter(vm);
  try {
    const options = {
      command: [program, ...args] as const,
      milliseconds: timeoutSeconds * 1_000,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      hidden: [],
      user: deps.catalog.distributions.get(vm.distribution)?.shellUser,
    };
    const signal = AbortSignal.timeout(options.milliseconds + SLACK_MS);
    const end = await deps.driverOf(vm.region).runProgram(vm.id, vm.engineRef, options, signal);
    if (end.kind === 'exited') {
      const { exitCode, stdout, stderr } = end;
      return {
        exitCode,
        stdout: stdout.text,
        stderr: stderr.text,
        stdoutTruncated: stdout.isCut,
        stderrTruncated: stderr.isCut,
      };
    }
    throw errorOf(end.kind, vmId, timeoutSeconds);
  } catch (cause) {
    if (!(cause instanceof EngineError) || cause.isRefusal) throw cause;
    throw new ApiError('UNAVAILABLE', "The VM's engine does not answer; try again shortly.", { cause });
  } finally {
    leave();
  }
}

function findProblems({ command, timeoutSeconds }: ExecInput): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const say = (path: string, message: string): void => void problems.push({ path, message });
  if (command.length === 0 || command[0] === '') say('command', 'must begin with a program.');
  if (command.length > MAX_ARGUMENTS) say('command', `must have at most ${MAX_ARGUMENTS} parts.`);
  if (command.some((part) => part.includes('\0'))) say('command', 'must not contain the character NUL.');
  if (command.reduce((sum, part) => sum + Buffer.byteLength(part), 0) > MAX_COMMAND_BYTES)
    say('command', 'must have at most 64 KiB.');
  if (timeoutSeconds < 1 || timeoutSeconds > MAX_SECONDS)
    say('timeoutSeconds', `must be between 1 and ${MAX_SECONDS}.`);
  return problems;
}

function errorOf(
  kind: 'timed-out' | 'not-running' | 'no-program' | 'no-shell',
  vmId: string,
  timeoutSeconds: number,
): ApiError {
  switch (kind) {
    case 'timed-out':
      return new ApiError('TIMED_OUT', `The program did not end within ${timeoutSeconds} s, and was killed.`);
    case 'not-running':
      return notRunning(vmId);
    case 'no-program':
      return badInput([{ path: 'command', message: 'its program does not exist in the VM, or cannot be run.' }]);
    case 'no-shell':
      return new ApiError('CONFLICT', `The image of the VM ${vmId} has no /bin/sh, which running programs needs.`);
  }
}

function notRunning(vmId: string): ApiError {
  return new ApiError('CONFLICT', `The VM ${vmId} does not run: start it, and wait until its status is RUNNING.`);
}
