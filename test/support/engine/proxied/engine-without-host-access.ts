import { randomUUID } from 'node:crypto';
import { createServer, request } from 'node:http';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { HOST_TOOLS_IMAGE } from '../../../../src/engine/docker/host/host-tools.ts';

export interface EngineWithoutHostAccess extends AsyncDisposable {
  readonly endpoint: string;
}

/** The real engine, but as one whose host's programs cannot be run through it. */
export async function openEngineWithoutHostAccess(
  socketPath = '/var/run/docker.sock',
): Promise<EngineWithoutHostAccess> {
  const file = path.join(tmpdir(), `swiftor-engine-${randomUUID().slice(0, 8)}.sock`);
  const server = createServer((incoming, answer) => {
    const forward = async (): Promise<void> => {
      const body = await buffer(incoming);
      if (incoming.url?.includes('/containers/create') === true && body.includes(JSON.stringify(HOST_TOOLS_IMAGE))) {
        answer
          .writeHead(403, { 'content-type': 'application/json' })
          .end('{"message":"such containers are not allowed here"}');
        return;
      }
      const { method, url: at, headers } = incoming;
      const outgoing = request({ socketPath, method, path: at, headers }, (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      });
      outgoing.on('error', () => answer.destroy());
      outgoing.end(body);
    };
    forward().catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  return {
    endpoint: `unix://${file}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(file, { force: true });
    },
  };
}
