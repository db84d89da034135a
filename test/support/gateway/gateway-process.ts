import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** As in the first line of `cli.ts`, which says why, and in `npm start`. */
export const NODE_OPTIONS = ['--max-semi-space-size=16', '--initial-old-space-size=96'];
const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));

export interface GatewayProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it has written so far, standard output and standard error in one. */
  readonly lines: readonly string[];
  /** Resolves with exit code or signal. */
  readonly exited: Promise<number | NodeJS.Signals>;
}

/** Spawns `swiftor serve` as an operator would; nothing of our environment reaches it but PATH. */
export function spawnGateway(env: Readonly<Record<string, string>>, cli = CLI): Omit<GatewayProcess, 'url'> {
  const child = spawn(process.execPath, [...NODE_OPTIONS, cli, 'serve'], {
    env: { PATH: process.env['PATH'], PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  const exited = once(child, 'close').then(([code, signal]) => (code as number | null) ?? (signal as NodeJS.Signals));
  return {
    child,
    lines,
    exited,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The same, once it serves; rejects with what it said when it ends instead. */
export async function startGatewayProcess(env: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const gateway = spawnGateway(env);
  return { ...gateway, url: await urlOnceReady(gateway) };
}

/** Where it serves, once it does; rejects with what it said when it ends instead. */
export async function urlOnceReady(gateway: Omit<GatewayProcess, 'url'>): Promise<string> {
  const ready = new Promise<string>((resolve) => {
    const look = (): void => {
      const port = gateway.lines
        .map((line) => /"listening":"[^"]*:(\d+)"/.exec(line)?.[1])
        .find((found) => found !== undefined);
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    };
    look();
    gateway.child.stdout?.on('data', () => setImmediate(look));
  });
  return Promise.race([
    ready,
    gateway.exited.then((how) => {
      throw new Error(`The gateway ended with ${how}: ${gateway.lines.join('\n')}`);
    }),
  ]);
}
