import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { LABEL } from '../src/engine/labels.ts';
import type { EngineSocket } from './engine-socket.ts';
import type { Figure } from './figure.ts';
import { askGateway, watchStatus, type GatewayUnderTest } from './gateway-under-test.ts';
import { startNginxProxy } from './nginx.ts';
import { median } from './quantile.ts';

export interface IngressOptions {
  readonly gateway: GatewayUnderTest;
  readonly engine: EngineSocket;
  readonly token: string;
  /** What to measure through: an app by its distribution, with the files that it serves. */
  readonly apps: readonly { readonly title: string; readonly distribution: string }[];
  readonly port: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What the apps serve. */
export const SMALL = { name: 'small.html', bytes: 1_400 } as const;
export const LARGE = { name: 'large.bin', bytes: 8 * 2 ** 20 } as const;

const ROUNDS = 5;
const ROUND_SECONDS = 2;
const GOAL = { of: 'ratio', atLeast: 0.8 } as const;
const MB = 2 ** 20;

/** One private address, by ticket, beside nginx's proxy_pass to the same container: wrk asks both, in turns, in processes of their own. */
export async function measureIngress(options: IngressOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { title, distribution } of options.apps) {
    const { host, cookie, address } = await bootApp(options, distribution);
    await using nginx = await startNginxProxy({ host: address, port: options.port });
    const loads = [
      { what: 'requests', file: SMALL.name, connections: 32, unit: 'req/s', of: ({ requests }: Load) => requests },
      { what: 'bytes', file: LARGE.name, connections: 8, unit: 'MB/s', of: ({ bytes }: Load) => bytes / MB },
    ] as const;
    for (const { what, file, connections, unit, of } of loads) {
      const [ours, theirs] = [[] as number[], [] as number[]];
      // The first round of each warms up, and does not count.
      for (let round = 0; round <= ROUNDS; round += 1) {
        options.signal.throwIfAborted();
        const turns = [
          { port: options.gateway.port, results: ours },
          { port: nginx.port, results: theirs },
        ];
        for (const { port, results } of round % 2 === 0 ? turns : turns.toReversed()) {
          const load = await runWrk({ url: `http://127.0.0.1:${port}/${file}`, host, cookie, connections, signal: options.signal });
          if (round > 0) results.push(of(load));
        }
      }
      const [own, floor] = [median(ours), median(theirs)];
      options.say(`${title}, ${what}: ${own.toFixed(0)} ${unit}, nginx ${floor.toFixed(0)} ${unit}, ${(own / floor).toFixed(2)}x`);
      figures.push({ name: `ingress, ${title}: ${what} (floor: nginx, one worker)`, ours: own, floor, unit, goal: GOAL });
    }
  }
  return figures;
}

/** A VM of the distribution that is RUNNING: the host and cookie that open it, and where its container is. */
async function bootApp({ gateway, engine, token }: IngressOptions, distribution: string) {
  const input = { vmlabel: distribution, region: 'AU', password: 'only for the bench', distribution, cpu: 1, ram: 1 };
  const ask = <T>(query: string, variables: object) => askGateway<T>(gateway.url, token, query, variables);
  const { createVm } = await ask<{ createVm: { id: string } }>('mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }', {
    input,
  });
  const { id } = createVm;
  await using watch = watchStatus(gateway.port, token);
  const running = watch.seen(id, 'RUNNING');
  await ask('mutation ($id: ID!) { startVm(id: $id) { id } }', { id });
  await running;
  const { createOpenLink } = await ask<{ createOpenLink: string }>('mutation ($id: ID!) { createOpenLink(vmId: $id) }', { id });
  const link = new URL(createOpenLink);
  const opened = request({ host: '127.0.0.1', port: gateway.port, path: link.pathname + link.search, headers: { host: link.host } });
  opened.end();
  const [answer] = (await once(opened, 'response')) as [IncomingMessage];
  answer.resume();
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL.machine}=${id}`] }));
  const [container] = await engine.ask<Listed[]>('GET', `/containers/json?filters=${filters}`);
  const [network] = Object.values(container?.NetworkSettings.Networks ?? {});
  if (network === undefined) throw new Error(`The engine has no running container of the VM ${id}.`);
  return { host: link.host, cookie, address: network.IPAddress };
}

interface Listed {
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

interface Load {
  /** A second. */
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
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`Under load ${url} did not always answer: ${stdout}`);
  const requests = Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1]);
  const [, amount, unit = ''] = /Transfer\/sec: +([\d.]+)([KMG]?)B/.exec(stdout) ?? [];
  return { requests, bytes: Number(amount) * { '': 1, K: 2 ** 10, M: MB, G: 2 ** 30 }[unit as 'K'] };
}
