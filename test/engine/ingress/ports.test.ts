import { beforeAll, describe, expect, it } from 'vitest';
import { echo, ECHO_COMMAND, echoImage } from '../../support/engine/images/echo-image.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import {
  createTestGateway,
  type GraphqlAnswer,
  type TestGateway,
  type TestGatewayOptions,
} from '../../support/gateway/gateway.ts';
import { openVm } from '../../support/ingress/open-vm.ts';
import { freePort, holdPort } from '../../support/ports.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

/** On port 7 an echo, of TCP and of UDP; the first is promised by a route. */
const GAME = {
  code: 'game',
  image: 'swiftor-test/echo:1',
  defaultPort: 3000,
  bootSeconds: 20,
  stopGraceSeconds: 2,
  command: ECHO_COMMAND,
  ports: [
    { from: 7, to: 7, protocol: 'udp' },
    { from: 2000, to: 2099, protocol: 'tcp' },
  ],
  routes: [{ path: '/game', port: 7, protocol: 'tcp' }],
};
const CONSOLE = { ...GAME, code: 'console', ports: [], routes: [], portForwarding: true };

interface Forward {
  readonly protocol: 'TCP' | 'UDP';
  readonly internalPort: number;
  readonly publicPort: number;
  readonly address: string;
}
const FORWARD = 'protocol internalPort publicPort address';
const ADD = `mutation ($input: AddPortInput!) { addPort(input: $input) { vmId ${FORWARD} } }`;
const REMOVE = `mutation ($vmId: ID!, $protocol: PortProtocol!, $internalPort: Int!) {
  removePort(vmId: $vmId, protocol: $protocol, internalPort: $internalPort) { ports { ${FORWARD} } }
}`;

const optionsFor = (range: string): TestGatewayOptions => ({
  distributions: [GAME, CONSOLE],
  env: { FORWARD_PORTS: range },
});
const open = (range: string, options: TestGatewayOptions = {}) =>
  createTestGateway({ ...optionsFor(range), ...options });
const add = (gateway: TestGateway, token: string, vmId: string, protocol: 'TCP' | 'UDP', internalPort: number) =>
  gateway.graphql<{ addPort: Forward & { vmId: string } }>(token, ADD, { input: { vmId, protocol, internalPort } });
const remove = (gateway: TestGateway, token: string, vmId: string, protocol: 'TCP' | 'UDP', internalPort: number) =>
  gateway.graphql<{ removePort: { ports: Forward[] } }>(token, REMOVE, { vmId, protocol, internalPort });
const codeOf = ({ errors }: GraphqlAnswer<unknown>) => errors?.[0]?.extensions.code;

interface Seen {
  readonly status: string;
  readonly ports: readonly Forward[];
  readonly lastFailure: { readonly code: string; readonly message: string } | null;
}
async function look(gateway: TestGateway, token: string, id: string): Promise<Seen> {
  const query = `query ($id: ID!) { vm(id: $id) { status ports { ${FORWARD} } lastFailure { code message } } }`;
  const { data } = await gateway.graphql<{ vm: Seen }>(token, query, { id });
  if (data == null) throw new Error('no answer');
  return data.vm;
}
const newVm = (gateway: TestGateway, token: string, distribution = 'game') =>
  createVm(gateway, token, { distribution, desktop: null });
const start = (gateway: TestGateway, token: string, id: string) => gateway.rest(token, 'POST', `/vms/start/${id}`);
const reaches = (gateway: TestGateway, token: string, id: string, status: string) =>
  eventually(async () => (await look(gateway, token, id)).status === status, { deadline: 30_000 });
const answers = (protocol: 'tcp' | 'udp', { publicPort }: Pick<Forward, 'publicPort'>) =>
  eventually(async () => (await echo(protocol, publicPort, 'hello')) === 'hello', { deadline: 15_000 });
const isClosed = async (protocol: 'tcp' | 'udp', { publicPort }: Pick<Forward, 'publicPort'>) => {
  await eventually(
    () =>
      echo(protocol, publicPort, 'hello').then(
        () => false,
        () => true,
      ),
    { deadline: 15_000 },
  );
  // And free for anybody.
  await eventually(async () => (await (await holdPort(protocol, publicPort))[Symbol.asyncDispose](), true));
};

beforeAll(async () => {
  await echoImage();
});

const token = await testToken('alice', { plan: 'unlimited' });

describe.concurrent('a forwarded port', { timeout: 60_000 }, () => {
  const gateway = useGateway(optionsFor('27300-27379'));

  it("is there from the VM's creation on where the catalog promises it, stays over a stop, and goes with the VM", async () => {
    const id = await newVm(gateway, token);
    const [port, ...more] = (await look(gateway, token, id)).ports;
    if (port === undefined) throw new Error('It has none.');
    expect(more).toEqual([]);
    expect(port).toMatchObject({ protocol: 'TCP', internalPort: 7, address: `localhost:${port.publicPort}` });
    expect(port.publicPort).toBeGreaterThanOrEqual(27_300);
    expect(port.publicPort).toBeLessThanOrEqual(27_379);
    await start(gateway, token, id);
    await reaches(gateway, token, id, 'RUNNING');
    await answers('tcp', port);
    // Its route on the VM's own address says where.
    const { status, body } = await (await openVm(gateway, token, id)).visit('/game');
    expect([status, body]).toEqual([200, expect.stringContaining(`Connect it to ${port.address}.`)]);
    await gateway.rest(token, 'POST', `/vms/stop/${id}`);
    await reaches(gateway, token, id, 'STOPPED');
    await isClosed('tcp', port);
    await start(gateway, token, id);
    await reaches(gateway, token, id, 'RUNNING');
    expect((await look(gateway, token, id)).ports).toEqual([port]);
    await answers('tcp', port);
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await gateway.rest(token, 'GET', `/vms/${id}`)).status === 404);
    await isClosed('tcp', port);
  });

  it('is added to and taken from a VM that runs at once, which keeps its volumes and its other ports', async () => {
    const id = await newVm(gateway, token);
    await start(gateway, token, id);
    await reaches(gateway, token, id, 'RUNNING');
    const [tcp] = (await look(gateway, token, id)).ports;
    const containers = () => docker.listContainers({ all: true, filters: { label: [`io.swiftor.vm=${id}`] } });
    const [before] = await containers();
    const { data } = await add(gateway, token, id, 'UDP', 7);
    if (tcp === undefined || data == null) throw new Error('It has none.');
    const udp = data.addPort;
    expect(udp).toMatchObject({ vmId: id, protocol: 'UDP', internalPort: 7 });
    await answers('udp', udp);
    await answers('tcp', tcp);
    const [after] = await eventually(async () => {
      const all = await containers();
      return all.length === 1 && all;
    });
    expect(after?.Mounts).toEqual(before?.Mounts);
    // The same again is the same port.
    expect((await add(gateway, token, id, 'UDP', 7)).data?.addPort).toEqual(udp);

    expect((await remove(gateway, token, id, 'UDP', 7)).data?.removePort.ports).toEqual([tcp]);
    await isClosed('udp', udp);
    await answers('tcp', tcp);
    expect(codeOf(await remove(gateway, token, id, 'UDP', 7))).toBe('NOT_FOUND');
  });

  it('that something else on the host holds is replaced by another, and an event says so', async () => {
    const id = await newVm(gateway, token);
    const [first] = (await look(gateway, token, id)).ports;
    await using _held = await holdPort('tcp', first?.publicPort);
    await start(gateway, token, id);
    await reaches(gateway, token, id, 'RUNNING');
    const { ports } = await look(gateway, token, id);
    const [second] = ports;
    if (second === undefined) throw new Error('It has none.');
    expect(ports).toHaveLength(1);
    expect(second).toMatchObject({ protocol: 'TCP', internalPort: 7 });
    expect(second.publicPort).not.toBe(first?.publicPort);
    await answers('tcp', second);
  });

  it('is only what the catalog allows, and sixteen a VM', async () => {
    const [id, other] = await Promise.all([newVm(gateway, token), newVm(gateway, token, 'console')]);
    const refused = await add(gateway, token, id, 'TCP', 22);
    expect([codeOf(refused), refused.errors?.[0]?.message]).toEqual([
      'BAD_USER_INPUT',
      'input.internalPort: this port cannot be forwarded: game listens on UDP 7, TCP 2000-2099, TCP 7.',
    ]);
    expect(codeOf(await add(gateway, token, id, 'UDP', 2000))).toBe('BAD_USER_INPUT');
    expect(codeOf(await add(gateway, token, id, 'TCP', 3000))).toBe('BAD_USER_INPUT');
    for (const port of [0, 65_536, -1])
      expect(codeOf(await add(gateway, token, other, 'TCP', port))).toBe('BAD_USER_INPUT');
    expect(codeOf(await add(gateway, token, other, 'TCP', 3000))).toBe('BAD_USER_INPUT');
    const plain = await createVm(gateway, token);
    expect((await add(gateway, token, plain, 'TCP', 22)).errors?.[0]?.message).toContain('serves only HTTP');
    const answers16 = await Promise.all(
      Array.from({ length: 20 }, (_, index) => add(gateway, token, other, 'TCP', 100 + index)),
    );
    expect(answers16.filter(({ data }) => data != null)).toHaveLength(16);
    expect(new Set(answers16.map(codeOf))).toEqual(new Set([undefined, 'CONFLICT']));
    const { ports } = await look(gateway, token, other);
    expect(new Set(ports.map(({ publicPort }) => publicPort)).size).toBe(16);
  });

  it("is nobody else's to see or to change", async () => {
    const id = await newVm(gateway, token);
    const bob = await gateway.token('bob', { plan: 'unlimited' });
    const none = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
    const { data } = await gateway.graphql<{ vm: unknown }>(
      bob,
      'query ($id: ID!) { vm(id: $id) { ports { address } } }',
      { id },
    );
    expect(data).toEqual({ vm: null });
    expect(await add(gateway, bob, id, 'UDP', 7)).toEqual(await add(gateway, bob, none, 'UDP', 7));
    expect(codeOf(await add(gateway, bob, id, 'UDP', 7))).toBe('NOT_FOUND');
    expect(await remove(gateway, bob, id, 'TCP', 7)).toEqual(await remove(gateway, bob, none, 'TCP', 7));
    expect(codeOf(await remove(gateway, bob, id, 'TCP', 7))).toBe('NOT_FOUND');
    expect((await look(gateway, token, id)).ports).toHaveLength(1);
  });
});

describe('a range of public ports', () => {
  it('is given out once each, whatever two gateways are asked at the same time, and when it is used up, that is said', async () => {
    await using first = await open('27400-27411');
    await using second = await open('27400-27411', { databaseUrl: first.databaseUrl });
    const gateways = [first, second];
    const users = await Promise.all(['a', 'b', 'c', 'd'].map((user) => first.token(user, { plan: 'unlimited' })));
    const vms = await Promise.all(users.map(async (token) => ({ token, id: await newVm(first, token, 'console') })));
    const asked = await Promise.all(
      vms.flatMap(({ token, id }) =>
        [0, 1, 2, 3, 4].map((index) => add(gateways[index % 2] ?? first, token, id, 'TCP', 100 + index)),
      ),
    );
    const given = asked.flatMap(({ data }) => (data == null ? [] : [data.addPort.publicPort]));
    expect(given.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => 27_400 + index));
    const refused = asked.filter(({ data }) => data == null);
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['CONFLICT']));
    expect(refused[0]?.errors?.[0]?.message).toContain('Every public TCP port from 27400 to 27411 is taken');
    // What promises a port is not made without one.
    const [one] = vms;
    if (one === undefined) throw new Error('There is none.');
    await expect(newVm(first, one.token)).rejects.toThrow('CONFLICT');
    // UDP has its own.
    expect((await add(second, one.token, one.id, 'UDP', 100)).data?.addPort.publicPort).toBeGreaterThanOrEqual(27_400);
    // One that is freed is the next one's.
    const [freed] = (await look(first, one.token, one.id)).ports;
    await remove(second, one.token, one.id, 'TCP', freed?.internalPort ?? 0);
    const { data } = await add(first, one.token, one.id, 'TCP', 999);
    expect(data?.addPort.publicPort).toBe(freed?.publicPort);
  });

  it('that others hold altogether fails a VM with the port that it would need, and a change of one that runs is undone', async () => {
    const only = await freePort();
    await using gateway = await open(String(only));
    const held = await holdPort('tcp', only);
    const id = await newVm(gateway, token);
    await start(gateway, token, id);
    await reaches(gateway, token, id, 'FAILED');
    expect((await look(gateway, token, id)).lastFailure).toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(String(only)),
    });
    await held[Symbol.asyncDispose]();
    await start(gateway, token, id);
    await reaches(gateway, token, id, 'RUNNING');
    await answers('tcp', { publicPort: only });

    await using _udp = await holdPort('udp', only);
    await add(gateway, token, id, 'UDP', 7);
    await eventually(async () => (await look(gateway, token, id)).lastFailure?.code === 'PORT_TAKEN', {
      deadline: 20_000,
    });
    await reaches(gateway, token, id, 'RUNNING');
    await answers('tcp', { publicPort: only });
  }, 60_000);
});
