import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inProject } from '../../scripts/prepare/project.js';
import { freePort } from '../../test/support/ports.ts';
import { TOOL_ENV } from './run-tool.ts';

/** Prism as a proxy in front of a gateway: it names violations of the document in a header of its answers. */
export async function startPrism(document: string, upstream: string): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const cwd = inProject('tools/openapi');
  const child = spawn('node_modules/.bin/prism', ['proxy', document, upstream, '--port', String(port)], {
    cwd,
    env: TOOL_ENV,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes('is listening')) break;
  }
  child.stdout.resume();
  if (child.exitCode !== null) throw new Error(`Prism did not start:\n${lines.join('\n')}`);
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}
