import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { IngressProxy } from '../../../src/ingress/proxy/ingress-proxy.ts';

/** The proxy before one app, in a process of its own; `/health/live` of localhost is its own. Prints its port. */
const target = {
  vmId: 'vm',
  ref: 'ref',
  region: 'AU',
  node: undefined,
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  scheme: 'http',
  signal: new AbortController().signal,
  load: { open: 0 },
} as const;
const ingress = new IngressProxy({
  routes: { resolve: () => ({ kind: 'upstream', target }), isKnown: () => true },
  refusals: { answerTooMany: () => false, count: () => false },
  log: pino({ level: 'silent' }),
});
const server = createServer((req, res) => {
  if (req.url === '/health/live') res.end('{"live":true}');
  else ingress.handle(req, res, { kind: 'vm', vmId: 'vm', name: undefined });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
