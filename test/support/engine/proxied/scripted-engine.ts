import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';

/** Answers a request itself, and says so, or leaves it to the real engine. */
export type Script = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface ScriptedEngine extends AsyncDisposable {
  /** For REGIONS: unix:///… */
  readonly endpoint: string;
  /** From here on; until the first, everything is left to the real engine. */
  follow(script: Script): void;
}

/**
 * The real engine behind a socket, on which a few answers are scripted: those that no test can bring a real one to
 * give.
 */
export async function openScriptedEngine(target = '/var/run/docker.sock'): Promise<ScriptedEngine> {
  const file = path.join(tmpdir(), `swiftor-scripted-${randomUUID().slice(0, 8)}.sock`);
  let script: Script = () => false;
  const attached = new Set<Duplex>();
  const server = createServer((incoming, response) => {
    if (script(incoming, response)) return;
    const { method, url, headers } = incoming;
    const outgoing = request({ socketPath: target, method, path: url, headers, agent: false });
    response.on('close', () => outgoing.destroy());
    outgoing.on('error', () => response.destroy());
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // Streams say nothing for long after their head.
      response.flushHeaders();
      answer.on('error', () => response.destroy()).pipe(response);
    });
    incoming.pipe(outgoing);
  });
  // Who attaches to a container speaks on with it: nothing of that is scripted.
  server.on('upgrade', ({ method, url, rawHeaders }, socket, head) => {
    const engine = connect(target);
    const headers = rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
    engine.write(`${method} ${url} HTTP/1.1\r\n${headers}\r\n`);
    engine.write(head);
    attached.add(socket);
    for (const [one, other] of [
      [socket, engine],
      [engine, socket],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await once(server.listen(file), 'listening');
  return {
    endpoint: `unix://${file}`,
    follow(next) {
      script = next;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      for (const socket of attached) socket.destroy();
      await closed;
      await rm(file, { force: true });
    },
  };
}
