import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { WebSocketServer, type WebSocket } from 'ws';

/**
 * The floor of pushes: `ws` and one LISTEN, without a token, protocol or resolver. A client's path names its account,
 * whose notifications it receives unchanged. The bench forks it with DATABASE_URL. It reports its port and ends with
 * the bench.
 */
const clients = new Map<string, Set<WebSocket>>();

const listener = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
listener.on('notification', ({ payload = '' }) => {
  const [account] = JSON.parse(payload) as [string];
  for (const socket of clients.get(account) ?? []) socket.send(payload);
});
await listener.connect();
await listener.query('listen vm_event');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('connection', (socket, request) => {
  const account = (request.url ?? '').slice(1);
  const own = clients.get(account) ?? new Set();
  clients.set(account, own.add(socket));
  socket.on('close', () => own.delete(socket));
  socket.send('ready');
});
server.on('listening', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.once('disconnect', () => process.exit());
