import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { LABEL } from '../../src/engine/labels.ts';
import type { EngineSocket } from '../support/engine-socket.ts';
import type { Figure } from '../support/figure.ts';
import { askGateway, watchStatus, type GatewayUnderTest } from '../support/gateway-under-test.ts';
import { startNginxProxy } from './nginx.ts';
import { median } from '../support/quantile.ts';

export interface IngressOptions {
  readonly gateway: GatewayUnderTest;
  readonly engine: EngineSocket;
  readonly token: string;
  readonly apps: readonly App[];
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The app to measure. */
export interface App {
  readonly title: string;
  readonly distribution: string;
  readonly desktop?: string;
  readonly port: number;
  /** A small file, to measure requests per second. */
  readonly small: string;
  /** A large file, to measure bytes per second. */
  readonly large?: string;
  /** The sign-in path of an app that requires its own password. */
  readonly signIn?: string;
}

/** Many short rounds, because disturbances on the machine last for seconds. */
const ROUNDS = 15;
const ROUND_SECONDS = 1;
const PASSWORD = 'only for the bench';
const MB = 2 ** 20;

/** Alternates wrk between a private address, opened by a ticket, and nginx's proxy_pass to the same container. */
export async function measureIngress(options: IngressOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const app of options.apps) {
    const { title, port, small, large } = app;
    const { host, cookie, address } = await bootApp(options, app);
    await using nginx = await startNginxProxy({ host: address, port });
    const loads = [
      {
        what: 'requests',
        file: small,
        connections: 32,
        unit: 'req/s',
        of: ({ requests }: Load) => requests,
        atLeast: 0.5,
      },
      { what: 'bytes', file: large, connections: 8, unit: 'MB/s', of: ({ bytes }: Load) => bytes / MB, atLeast: 0.65 },
    ] as const;
    for (const { what, file, connections, unit, of, atLeast } of loads) {
      if (file === undefined) continue;
      const [ours, theirs] = [[] as number[], [] as number[]];
      // The first round warms up and does not count.
      for (let round = 0; round <= ROUNDS; round += 1) {
        options.signal.throwIfAborted();
        const turns = [
          { port: options.gateway.port, results: ours },
          { port: nginx.port, results: theirs },
        ];
        for (const { port, results } of round % 2 === 0 ? turns : turns.toReversed()) {
          const load = await runWrk({
            url: `http://127.0.0.1:${port}/${file}`,
            host,
            cookie,
            connections,
            signal: options.signal,
          });
          if (round > 0) results.push(of(load));
        }
      }
      const ratio = median(ours.map((one, round) => one / (theirs[round] ?? Number.NaN)));
      const [own, floor] = [median(ours), median(theirs)];
      options.print(
        `${title}, ${what}: ${own.toFixed(0)} ${unit}, nginx ${floor.toFixed(0)} ${unit}, ${ratio.toFixed(2)}x`,
      );
      const goal = { of: 'ratio', atLeast } as const;
      figures.push({
        name: `ingress, ${title}: ${what} (floor: nginx, one worker)`,
        ours: own,
        floor,
        ratio,
        unit,
        goal,
      });
    }
  }
  return figures;
}

/** Starts a VM of the distribution. Returns the host and cookie that open it, and its container's address. */
async function bootApp({ gateway, engine, token }: IngressOptions, { distribution, desktop, signIn }: App) {
  const input = { vmlabel: distribution, region: 'AU', password: PASSWORD, distribution, desktop, cpu: 1, ram: 1 };
  const ask = <T>(query: string, variables: object) => askGateway<T>(gateway.url, token, query, variables);
  const { createVm } = await ask<{ createVm: { id: string } }>(
    'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }',
    {
      input,
    },
  );
  const { id } = createVm;
  await using watch = watchStatus(gateway.port, token);
  const running = watch.seen(id, 'RUNNING');
  await ask('mutation ($id: ID!) { startVm(id: $id) { id } }', { id });
  await running;
  const { createOpenLink } = await ask<{ createOpenLink: string }>(
    'mutation ($id: ID!) { createOpenLink(vmId: $id) }',
    { id },
  );
  const link = new URL(createOpenLink);
  const place = { port: gateway.port, host: link.host };
  const cookies = [await visit({ ...place, path: link.pathname + link.search })];
  if (signIn !== undefined)
    cookies.push(await visit({ ...place, path: `/${signIn}`, cookie: cookies.join('; '), password: PASSWORD }));
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL.machine}=${id}`] }));
  const [container] = await engine.ask<Listed[]>('GET', `/containers/json?filters=${filters}`);
  const [network] = Object.values(container?.NetworkSettings.Networks ?? {});
  if (network === undefined) throw new Error(`The engine has no running container of the VM ${id}.`);
  return { host: link.host, cookie: cookies.join('; '), address: network.IPAddress };
}

interface Visit {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly cookie?: string;
  /** The form that the sign-in page sends. */
  readonly password?: string;
}

/** Signs in and returns the cookie. */
async function visit({ port, host, path, cookie = '', password }: Visit): Promise<string> {
  const headers = { Host: host, Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' };
  const asked = request({ host: '127.0.0.1', port, path, headers, method: password === undefined ? 'GET' : 'POST' });
  asked.end(password === undefined ? undefined : new URLSearchParams({ password }).toString());
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  const given = answer.headers['set-cookie']?.[0]?.split(';')[0];
  if (given === undefined) throw new Error(`${path} answered ${answer.statusCode ?? 0} without a cookie.`);
  return given;
}

interface Listed {
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

interface Load {
  /** Per second. */
  readonly requests: number;
  readonly bytes: number;
}

async function runWrk({
  url,
  host,
  cookie,
  connections,
  signal,
}: {
  url: string;
  host: string;
  cookie: string;
  connections: number;
  signal: AbortSignal;
}): Promise<Load> {
  const headers = ['-H', `Host: ${host}`, '-H', `Cookie: ${cookie}`];
  const args = ['-t1', `-c${connections}`, `-d${ROUND_SECONDS}s`, '--timeout', '20s', ...headers, url];
  const { stdout } = await promisify(execFile)('wrk', args, { signal });
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url} failed under load: ${stdout}`);
  const requests = Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1]);
  const [, amount, unit = ''] = /Transfer\/sec: +([\d.]+)([KMG]?)B/.exec(stdout) ?? [];
  return { requests, bytes: Number(amount) * { '': 1, K: 2 ** 10, M: MB, G: 2 ** 30 }[unit as 'K'] };
}
