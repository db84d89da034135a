import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { parseResolvers } from '../../../src/engine/docker/isolation/firewall-rules.ts';
import { splitOutput } from '../../../src/engine/docker/streams/split-output.ts';
import {
  docker,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
  testImage,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { createOutside, type Outside } from '../../support/engine/outside.ts';
import { createTestEngineNames, type TestEngineNames } from '../../support/engine/test-engine-names.ts';

const INTERNET = '198.51.100.77';
/** What the cloud and private networks have, one host each. */
const PRIVATE = {
  "the cloud's metadata": '169.254.169.254',
  'a link-local host': '169.254.7.7',
  'a host in 10/8': '10.77.31.7',
  'a host in 172.16/12': '172.30.99.7',
  'a host in 192.168/16': '192.168.231.7',
  'a host in 100.64/10': '100.100.77.7',
  'a host in 198.18/15': '198.18.77.7',
} as const;

const within = (seconds = 25) => AbortSignal.timeout(seconds * 1000);
const undo = new AsyncDisposableStack();
const installationId = newInstallationId();

let driver: EngineDriver;
let engineNames: TestEngineNames['engineNames'];
let outside: Outside;
/** The engine's own name server, as its containers are told. */
let resolver: string;
/** Services of this machine, which count who reaches them: bound to all addresses, and to loopback alone. */
let open: CountingServer;
let loopback: CountingServer;
let online: Machine;
let neighbour: Machine;
let offline: Machine;

interface CountingServer {
  readonly port: number;
  hits: number;
}

interface Machine {
  readonly ref: string;
  readonly address: string;
}

beforeAll(async () => {
  await testImage();
  const testNames = undo.use(createTestEngineNames());
  engineNames = testNames.engineNames;
  driver = testDriver(installationId, { engineNames });
  undo.defer(() => driver.close());
  undo.defer(() => removeInstallation(installationId));
  open = await countingServer('0.0.0.0');
  loopback = await countingServer('127.0.0.1');
  [online, neighbour, offline] = await Promise.all([machine(), machine(), machine({ egress: 'none' })]);
  resolver = await findResolver();
  outside = undo.use(
    await createOutside([INTERNET, resolver, ...Object.values(PRIVATE)], Object.values(engineNames.networks)),
  );
}, 120_000);

afterAll(() => undo.disposeAsync(), 120_000);

async function machine(overrides: Partial<MachineSpec> = {}): Promise<Machine> {
  const spec = machineSpec(overrides);
  const { ref } = await driver.ensure(spec, within(), () => undefined);
  const { NetworkSettings } = await docker.getContainer(ref).inspect();
  return { ref, address: NetworkSettings.Networks[engineNames.networks[spec.egress]]?.IPAddress ?? '' };
}

async function findResolver(): Promise<string> {
  const container = await docker.createContainer({
    Image: await testImage(),
    Cmd: ['cat', '/etc/resolv.conf'],
    Labels: { 'io.swiftor.installation': installationId },
  });
  await container.start();
  await container.wait();
  const [first] = parseResolvers(splitOutput(await container.logs({ follow: false, stdout: true }), 4096).stdout);
  if (first === undefined) throw new Error('The engine gives its containers no name server.');
  return first;
}

async function countingServer(host: string): Promise<CountingServer> {
  const counting = { port: 0, hits: 0 };
  const server: Server = createServer((_request, response) => response.end('reached'));
  server.on('connection', () => (counting.hits += 1));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  undo.defer(() => new Promise<void>((resolve) => void (server.close(() => resolve()), server.closeAllConnections())));
  return Object.assign(counting, { port: (server.address() as AddressInfo).port });
}

/** The page that an HTTP GET from inside the machine brings; what nc says when it cannot connect. */
async function get({ ref }: Machine, url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const script = 'printf "GET / HTTP/1.0\\r\\n\\r\\n" | nc -w 5 "$1" "$2"';
  const { output } = await execIn(ref, ['/bin/sh', '-c', script, 'sh', hostname, port || '80']);
  return output.split('\r\n\r\n').at(-1)?.trim() ?? '';
}
const refused = expect.stringMatching(/can't connect|timed out/);

/** The answer that the machine gets when it looks a name up. */
const lookUp = async ({ ref }: Machine, name: string) =>
  (await execIn(ref, ['/bin/busybox', 'timeout', '3', '/bin/busybox', 'nslookup', '-type=a', name])).output;

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).flatMap(({ family, address }) => (family === 'IPv4' ? [address] : [])),
  );

describe('From inside a VM', () => {
  it('another VM is out of reach, on either network, while the gateway reaches both', async () => {
    for (const other of [neighbour, offline]) {
      const url = `http://${other.address}:3000/`;
      expect(await (await fetch(url, { signal: within() })).text()).toContain('tiny');
      expect(await get(online, url)).toEqual(refused);
    }
    expect(await get(offline, `http://${online.address}:3000/`)).toEqual(refused);
  });

  it("no service of the engine's host is in reach, on any of its addresses", async () => {
    const gateways = await Promise.all(
      Object.values(engineNames.networks).map(
        async (name) => (await docker.getNetwork(name).inspect()).IPAM?.Config?.[0]?.['Gateway'] ?? '',
      ),
    );
    const addresses = new Set([...gateways, ...ownAddresses()]);
    expect(await (await fetch(`http://127.0.0.1:${loopback.port}/`)).text()).toBe('reached');
    expect(await (await fetch(`http://${gateways[0]}:${open.port}/`)).text()).toBe('reached');
    const before = open.hits + loopback.hits;
    for (const from of [online, offline]) {
      const urls = [...addresses].flatMap((address) =>
        [open, loopback].map(({ port }) => `http://${address}:${port}/`),
      );
      const answers = await Promise.all(urls.map(async (url) => [url, await get(from, url)] as const));
      for (const [url, answer] of answers) expect(answer, url).toEqual(refused);
    }
    expect(open.hits + loopback.hits).toBe(before);
  });

  it('no service of the host is in reach by UDP', async () => {
    const socket = createSocket('udp4');
    let datagrams = 0;
    socket.on('message', () => (datagrams += 1));
    await new Promise<void>((resolve) => socket.bind(0, '0.0.0.0', resolve));
    const { port } = socket.address();
    const own = createSocket('udp4');
    try {
      const gateway =
        (await docker.getNetwork(engineNames.networks.internet).inspect()).IPAM?.Config?.[0]?.['Gateway'] ?? '';
      // tftp asks by UDP for whatever port it is told.
      const ask = ['/bin/busybox', 'timeout', '2', '/bin/busybox', 'tftp', '-g', '-r', 'x', gateway, String(port)];
      expect((await execIn(online.ref, ask)).exitCode).not.toBe(0);
      expect(datagrams).toBe(0);
      await new Promise<void>((resolve) => own.send('here', port, gateway, () => resolve()));
      await eventually(() => datagrams === 1);
    } finally {
      own.close();
      socket.close();
    }
  });

  it("neither the engine's socket nor its port is there", async () => {
    const { output } = await execIn(online.ref, [
      '/bin/busybox',
      'find',
      '/',
      '-name',
      'docker*.sock',
      '-not',
      '-path',
      '/proc/*',
    ]);
    expect(output).toBe('');
    for (const port of [2375, 2376])
      expect(await get(online, `http://${outside.hostAddress}:${port}/`)).toEqual(refused);
  });

  it.for(Object.entries(PRIVATE))('%s is out of reach', async ([, address]) => {
    expect(await outside.run('busybox', 'wget', '-q', '-O', '-', `http://${address}/`)).toBe('outside');
    expect(await get(online, `http://${address}/`)).toEqual(refused);
    expect(await get(offline, `http://${address}/`)).toEqual(refused);
  });

  it('the internet is in reach, unless the operator says no', async () => {
    expect(await get(online, `http://${INTERNET}/`)).toBe('outside');
    expect(await get(offline, `http://${INTERNET}/`)).toEqual(refused);
  });

  it("names are looked up at the engine's name server, of which nothing else is in reach", async () => {
    expect(await lookUp(online, 'app.example')).toContain(INTERNET);
    expect(await get(online, `http://${resolver}/`)).toEqual(refused);
    expect(await lookUp(offline, 'app.example')).not.toContain(INTERNET);
  });

  it('no raw socket can be opened, and there is no IPv6', async () => {
    const ping = await execIn(online.ref, ['/bin/busybox', 'arping', '-c', '1', '-I', 'eth0', neighbour.address]);
    expect(ping).toMatchObject({ exitCode: 1, output: expect.stringMatching(/not permitted|permission/i) });
    const { output } = await execIn(online.ref, ['cat', '/proc/net/if_inet6']);
    expect(output).toBe('');
  });
});

it('who comes from outside to a published port is answered, and a VM does not reach that port', async () => {
  const container = await docker.createContainer({
    Image: await testImage(),
    Labels: { 'io.swiftor.installation': installationId },
    ExposedPorts: { '3000/tcp': {} },
    HostConfig: { NetworkMode: engineNames.networks.internet, PortBindings: { '3000/tcp': [{ HostPort: '' }] } },
  });
  await container.start();
  const { NetworkSettings } = await container.inspect();
  const url = `http://${outside.hostAddress}:${NetworkSettings.Ports['3000/tcp']?.[0]?.HostPort}/`;
  expect(await outside.run('busybox', 'wget', '-q', '-O', '-', url)).toContain('tiny');
  expect(await get(online, url)).toEqual(refused);
});
