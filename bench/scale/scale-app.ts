import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The app that stands for those of all machines. In a process of its own, so that gateways' figures are theirs. */
const server = createServer((_request, response) => void response.end('ok'));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);
process.once('disconnect', () => process.exit());
