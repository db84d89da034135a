import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Challenges } from './challenges.ts';

const PATH = '/.well-known/acme-challenge/';

/** Answers the authority at a port of this machine, which it must reach as port 80 of the name. */
export async function serveHttpChallenges(port: number): Promise<Challenges> {
  const values = new Map<string, string>();
  const server = createServer((request, reply) => {
    request.on('error', () => undefined);
    const value = request.url?.startsWith(PATH) === true ? values.get(request.url.slice(PATH.length)) : undefined;
    reply.writeHead(value === undefined ? 404 : 200, { 'content-type': 'text/plain' });
    reply.end(value ?? 'Not found.');
  });
  server.on('clientError', (_error, socket) => void socket.destroy());
  server.listen(port);
  await once(server, 'listening');
  return {
    kind: 'http-01',
    present: async ({ token, value }) => void values.set(token, value),
    remove: async ({ token }) => void values.delete(token),
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
