import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';

/** How the way to the engine is: open, closed, or open with nobody answering. */
export type EngineWay = 'open' | 'refuse' | 'stall';

/** What happens to a call instead of the usual. */
export type EngineAct =
  /** The engine does not see it; the answer is this. A body that is no text is sent as JSON. */
  | { readonly kind: 'answer'; readonly status: number; readonly body?: unknown }
  /** It is passed on later. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The engine does not see it, and no answer comes. */
  | { readonly kind: 'stall' }
  /**
   * The connection ends: before the engine sees the call, after it has executed it, or after the head of its answer.
   */
  | { readonly kind: 'cut'; readonly at: 'request' | 'answer' | 'body' }
  /** The JSON of the engine's answer is replaced by what `map` makes of it. */
  | { readonly kind: 'rewrite'; readonly map: (body: unknown) => unknown };

export interface EngineRule {
  /** Matched against method and path without the API's version: `GET /containers/json?all=1`. */
  readonly call: RegExp;
  /** Which of the matching calls, counted from 1; every one by default. */
  readonly nth?: number | ((n: number) => boolean);
  readonly act: EngineAct;
}

export interface EngineProxy extends AsyncDisposable {
  /** For REGIONS: unix:///… */
  readonly endpoint: string;
  /** Changes the way for new connections, and cuts those that there are unless it is opened. */
  set(way: EngineWay): void;
  /** While true, what the engine says on its event stream is swallowed. */
  muteEvents(muted: boolean): void;
  /**
   * Applies the rule to calls from now on, until what it returns is called. The first rule that matches a call decides.
   */
  rule(rule: EngineRule): () => void;
  /** Every call so far, as rules see it. */
  readonly calls: readonly string[];
}

/** A socket in front of the engine's own, to do to a gateway what a failing engine does. */
export async function openEngineProxy(target = '/var/run/docker.sock'): Promise<EngineProxy> {
  const file = path.join(tmpdir(), `swiftor-engine-${randomUUID().slice(0, 8)}.sock`);
  const sockets = new Set<Socket>();
  const rules = new Set<EngineRule & { seen: number }>();
  const calls: string[] = [];
  let way: EngineWay = 'open';
  let muted = false;

  const actFor = (incoming: IncomingMessage): EngineAct | undefined => {
    const call = `${incoming.method} ${(incoming.url ?? '').replace(/^\/v\d+\.\d+/, '')}`;
    calls.push(call);
    for (const rule of rules) {
      if (!rule.call.test(call)) continue;
      rule.seen += 1;
      const { nth = rule.seen } = rule;
      if (typeof nth === 'function' ? nth(rule.seen) : nth === rule.seen) return rule.act;
    }
    return undefined;
  };

  /** The engine's answer to the call; both ends go when the other does. */
  const forward = (incoming: IncomingMessage, response: ServerResponse): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { method, url, headers } = incoming;
    const outgoing = request({ socketPath: target, method, path: url, headers, agent: false });
    response.once('close', () => outgoing.destroy());
    outgoing.on('error', reject).on('response', resolve);
    incoming.on('error', reject).pipe(outgoing);
    return promise;
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const client = incoming.socket;
    const act = actFor(incoming);
    const cutAt = act?.kind === 'cut' ? act.at : undefined;
    if (way === 'stall' || act?.kind === 'stall') return;
    if (cutAt === 'request') return void client.destroy();
    if (act?.kind === 'answer') {
      const { status, body = '' } = act;
      response.writeHead(status, { 'content-type': 'application/json' });
      return void response.end(typeof body === 'string' ? body : JSON.stringify(body));
    }
    if (act?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, act.milliseconds));
    const answer = await forward(incoming, response);
    if (cutAt === 'answer') return void client.destroy();
    const { statusCode = 502, headers } = answer;
    if (act?.kind === 'rewrite' && statusCode < 300) {
      response.writeHead(statusCode, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify(act.map(await json(answer))));
    }
    response.writeHead(statusCode, headers);
    response.flushHeaders();
    if (cutAt === 'body') return void setImmediate(() => client.destroy());
    const isEvents = /^GET [^ ]*\/events\?/.test(`${incoming.method} ${incoming.url}`);
    // A slow reader of the events would hold up the proxy's memory only.
    answer.on('data', (chunk: Buffer) => void (isEvents && muted ? undefined : response.write(chunk)));
    answer.on('end', () => response.end()).on('error', () => client.destroy());
  };

  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (incoming, response) => {
    serve(incoming, response).catch(() => incoming.socket.destroy());
  });
  server.on('connection', (client: Socket) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client)).on('error', () => client.destroy());
    if (way === 'refuse') client.destroy();
  });
  // A stream in both directions, as of an attached container: passed on as it is, but for what ends it before it
  // begins.
  server.on('upgrade', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    const act = actFor(incoming);
    if (way === 'stall' || act?.kind === 'stall') return;
    if (act?.kind === 'cut' || act?.kind === 'answer') return void client.destroy();
    const engine = connect(target);
    engine.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('error', () => engine.destroy()).on('close', () => engine.destroy());
    const lines = incoming.rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [`${name}: ${incoming.rawHeaders[at + 1] ?? ''}`] : [],
    );
    engine.write([`${incoming.method} ${incoming.url} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
    engine.write(head);
    client.pipe(engine).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));

  return {
    endpoint: `unix://${file}`,
    calls,
    set(next) {
      way = next;
      if (next !== 'open') for (const socket of sockets) socket.destroy();
    },
    muteEvents(next) {
      muted = next;
    },
    rule(rule) {
      const held = { ...rule, seen: 0 };
      rules.add(held);
      return () => void rules.delete(held);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(file, { force: true });
    },
  };
}
