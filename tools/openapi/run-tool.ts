import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { PrepareFailure } from '../../scripts/prepare/report.js';
import { inProject } from '../../scripts/prepare/project.js';

/** The tools run on the same Node as this, and send no telemetry. */
export const TOOL_ENV = {
  ...process.env,
  PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
};

/** Runs a program of tools/openapi; rejects with what it said if it fails. */
export async function runTool(name: string, args: readonly string[]): Promise<void> {
  const cwd = inProject('tools/openapi');
  const child = spawn(path.join(cwd, 'node_modules/.bin', name), args, {
    cwd,
    env: TOOL_ENV,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new PrepareFailure(`${name} is not content:\n${output}${errors}`);
}
