import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { eventually } from '../eventually.ts';
import { asRoot, asRootArgv } from './test-engine-names.ts';

export interface Outside extends AsyncDisposable {
  /** This machine, as hosts out there see it. */
  readonly hostAddress: string;
  /** What is printed by a program that runs out there. */
  run(...argv: [string, ...string[]]): Promise<string>;
}

/** Answers HTTP on port 80 of every address with "outside", and DNS on port 53 with 198.51.100.77 for any name. */
const SERVER = `
require('node:http').createServer((_, response) => response.end('outside')).listen(80, '0.0.0.0');
// A socket for each address: an answer must come from the one that was asked.
for (const own of process.argv.slice(1)) {
  const udp = require('node:dgram').createSocket('udp4').bind(53, own);
  udp.on('message', (query, { address, port }) => {
    let end = 12;
    while (query[end] !== 0) end += query[end] + 1;
    const isIpv4 = query.readUInt16BE(end + 1) === 1;
    const header = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, isIpv4 ? 1 : 0, 0, 0, 0, 0]);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 198, 51, 100, 77]);
    udp.send(Buffer.concat([header, query.subarray(12, end + 5), ...(isIpv4 ? [answer] : [])]), port, address);
  });
}
`;

/**
 * Hosts beyond this machine, in a network of their own: packets from the bridges go to them when they are for one of
 * `addresses`. Nothing else of this machine sees those, and no real host is ever asked.
 */
export async function createOutside(addresses: readonly string[], bridges: readonly string[]): Promise<Outside> {
  await using undo = new AsyncDisposableStack();
  const id = randomBytes(2).toString('hex');
  const [space, here, there, table] = [`swo-${id}`, `swh-${id}`, `swt-${id}`, String(20_000 + Number.parseInt(id, 16))];
  const hostAddress = '198.51.100.1';
  const inside = (...argv: [string, ...string[]]) => asRoot('ip', 'netns', 'exec', space, ...argv);

  await asRoot('ip', 'netns', 'add', space);
  undo.defer(async () => void (await asRoot('ip', 'netns', 'del', space)));
  await asRoot('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', space);
  undo.defer(() =>
    asRoot('ip', 'link', 'del', here).then(
      () => undefined,
      () => undefined,
    ),
  );
  await asRoot('ip', 'addr', 'add', `${hostAddress}/32`, 'dev', here);
  await asRoot('ip', 'link', 'set', here, 'up');
  await inside('ip', 'link', 'set', 'lo', 'up');
  for (const address of addresses) await inside('ip', 'addr', 'add', `${address}/32`, 'dev', there);
  await inside('ip', 'link', 'set', there, 'up');
  await inside('ip', 'route', 'add', `${hostAddress}/32`, 'dev', there);
  await inside('ip', 'route', 'add', 'default', 'via', hostAddress, 'dev', there);
  for (const address of addresses) await asRoot('ip', 'route', 'add', `${address}/32`, 'dev', here, 'table', table);
  for (const name of [...bridges, here]) {
    await asRoot('ip', 'rule', 'add', 'iif', name, 'lookup', table);
    undo.defer(async () => void (await asRoot('ip', 'rule', 'del', 'iif', name, 'lookup', table)));
  }
  const [program, ...args] = asRootArgv('ip', 'netns', 'exec', space, process.execPath, '-e', SERVER, ...addresses);
  const server = spawn(program, args, { stdio: 'ignore' });
  undo.defer(async () => {
    const exited = once(server, 'exit');
    server.kill();
    await exited;
  });
  await eventually(() => inside('busybox', 'wget', '-q', '-O', '-', 'http://127.0.0.1/'));

  const parts = undo.move();
  return { hostAddress, run: inside, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}
