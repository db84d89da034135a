import type Docker from 'dockerode';
import type { ProgramContext, ProgramProblem } from '../../programs.ts';
import { readScript } from '../shell/read-script.ts';

const SCRIPT = readScript('start-program');
const VARIABLE = /^[A-Za-z_]\w*$/;
/** The longest first line: the engine's own message when it cannot run anything. */
const MAX_HEAD_BYTES = 4_096;

/** What the first line of start-program.sh says, or the engine's message in its place. */
export type ProgramHead =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: ProgramProblem | 'no-user' };

/** The options of a program; an empty command is the shell for people. */
export function programOptions(
  command: readonly string[],
  { user, hidden }: ProgramContext,
): Pick<Docker.ExecCreateOptions, 'Cmd' | 'User'> {
  const names = hidden.filter((name) => VARIABLE.test(name)).join(' ');
  const args = command.length === 0 ? [''] : command;
  return {
    Cmd: ['/bin/sh', '-c', SCRIPT, 'start-program', user ?? '', names, ...args],
    ...(user !== undefined && { User: user }),
  };
}

/** Splits the output into its first line and the rest; undefined while the line is not complete. */
export function splitHead(output: Buffer): { readonly head: ProgramHead; readonly rest: Buffer } | undefined {
  const end = output.indexOf('\n');
  if (end < 0 && output.length < MAX_HEAD_BYTES) return undefined;
  return {
    head: readHead(output.toString('latin1', 0, end < 0 ? output.length : end)),
    rest: output.subarray(end + 1),
  };
}

/** Reads the first line, or all that there was of it. Engines report there what they could not run. */
export function readHead(line: string): ProgramHead {
  const text = line.trim();
  if (/^\d+$/.test(text)) return { kind: 'started', pid: Number(text) };
  if (text === 'missing') return { kind: 'no-program' };
  if (/unable to find user/i.test(text)) return { kind: 'no-user' };
  return {
    kind: /no such file or directory|executable file not found|permission denied/i.test(text)
      ? 'no-shell'
      : 'not-running',
  };
}
