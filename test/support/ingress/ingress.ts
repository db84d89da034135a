import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestListener, type RequestOptions } from 'node:http';
import { randomUUID } from 'node:crypto';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { IngressProxy, type IngressProxyOptions } from '../../../src/ingress/proxy/ingress-proxy.ts';
import { isWebSocketUpgrade } from '../../../src/http/request/request-target.ts';
import { matchRequest } from '../../../src/ingress/routing/match-request.ts';
import type { Resolution, Upstream } from '../../../src/ingress/routing/resolution.ts';
import type { RouteCache } from '../../../src/ingress/routing/route-cache.ts';
import { parseVmHost } from '../../../src/ingress/routing/vm-host.ts';
import { addErrorListeners } from '../../../src/http/server/add-error-listeners.ts';

/** Of a gateway that refuses as often as it is asked. */
export const NO_LIMIT = { answerTooMany: () => false, count: () => false };

export const BASE = 'vms.test';
export const VM = randomUUID();
export const HOST = `${VM}.${BASE}`;

export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export const app = (listener: RequestListener) => listen(createServer(listener));

export interface Gateway {
  readonly port: number;
  readonly ingress: IngressProxy;
  readonly logged: string[];
  readonly server: ReturnType<typeof createServer>;
}

export async function gateway(
  resolve: RouteCache['resolve'],
  options: Partial<IngressProxyOptions> & { everyUpgrade?: boolean; isKnown?: RouteCache['isKnown'] } = {},
): Promise<Gateway> {
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => logged.push(line) });
  const { everyUpgrade = false, isKnown = () => true, ...rest } = options;
  const ingress = new IngressProxy({ routes: { resolve, isKnown }, refusals: NO_LIMIT, log, ...rest });
  const server = createServer(everyUpgrade ? {} : { shouldUpgradeCallback: isWebSocketUpgrade });
  addErrorListeners(server);
  server.on('request', (req, res) =>
    ingress.handle(
      req,
      res,
      matchRequest(req, (host) => parseVmHost(host, BASE)),
    ),
  );
  server.on('upgrade', (req, socket, head) =>
    ingress.upgrade(
      req,
      socket,
      head,
      matchRequest(req, (host) => parseVmHost(host, BASE)),
    ),
  );
  onTestFinished(() => ingress.close());
  return { port: await listen(server), ingress, logged, server };
}

export function upstream(port: number, more: Partial<Upstream> = {}): Resolution {
  return {
    kind: 'upstream',
    target: {
      vmId: VM,
      ref: 'ref-1',
      region: 'AU',
      node: undefined,
      host: '127.0.0.1',
      port,
      scheme: 'http',
      signal: never,
      load: { open: 0 },
      ...more,
    },
  };
}
const never = new AbortController().signal;

/** A gateway before one app. */
export async function before(listener: RequestListener): Promise<Gateway> {
  const port = await app(listener);
  return gateway(() => Promise.resolve(upstream(port)));
}

export type Call = RequestOptions & { readonly body?: Buffer | Readable };

export async function call(port: number, { body, headers, ...options }: Call = {}): Promise<IncomingMessage> {
  const req = request({ host: '127.0.0.1', port, agent: false, headers: headers ?? { Host: HOST }, ...options });
  req.on('error', () => undefined);
  if (body instanceof Readable) body.pipe(req);
  else req.end(body);
  const answer = Promise.withResolvers<IncomingMessage>();
  req.once('response', answer.resolve).once('error', answer.reject);
  return answer.promise;
}

export async function read(res: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

export const fetchText = async (port: number, options: Call = {}) => {
  const res = await call(port, options);
  return { status: res.statusCode, headers: res.headers, raw: res.rawHeaders, text: await read(res) };
};

/** Everything that the peer says to these bytes until it closes, or until `enough` is in it. */
export async function raw(port: number, bytes: string, enough?: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  const done = Promise.withResolvers<string>();
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    if (enough !== undefined && text.includes(enough)) done.resolve(text);
  });
  socket.on('error', () => undefined).once('close', () => done.resolve(text));
  socket.write(bytes, 'latin1');
  return done.promise;
}
