import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialNode, type NodeAddress } from '../../../src/engine/swarm/line/dial-node.ts';
import type { LineRequest } from '../../../src/engine/swarm/line/line-request.ts';
import { readNodeIdentity } from '../../../src/engine/swarm/line/node-identity.ts';
import { eventually } from '../../support/eventually.ts';
import { createSwarmRig, type RigNode, type SwarmRig } from '../../support/swarm/rig.ts';

let rig: SwarmRig;
let manager: RigNode;
let worker: RigNode;
beforeAll(async () => {
  rig = await createSwarmRig({ count: 2 });
  [manager, worker] = rig.nodes as [RigNode, RigNode];
  await eventually(async () => (await ask(worker)).includes('OK'));
}, 90_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 60_000);

const PING = 'GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n';

/** What answers to a request through the line that the identity of `from` opens. */
async function ask(
  to: NodeAddress,
  {
    from = manager,
    request = { kind: 'engine' },
    said = PING,
  }: { from?: RigNode; request?: LineRequest; said?: string } = {},
): Promise<string> {
  const socket = dialNode(to, request, readNodeIdentity(from.certificates), new Map());
  socket.setTimeout(5_000, () => socket.destroy(new Error('Nothing was said for 5 s.')));
  socket.write(said);
  return text(socket);
}

describe('the line to a node', () => {
  it('leads a manager to the engine of that node', async () => {
    expect(readNodeIdentity(worker.certificates)).toMatchObject({ nodeId: worker.id, isManager: false });
    expect(readNodeIdentity(manager.certificates)).toMatchObject({ nodeId: manager.id, isManager: true });
    const info = await ask(worker, { said: 'GET /info HTTP/1.0\r\nHost: engine\r\n\r\n' });
    expect(info).toContain(worker.id);
  });

  it('leads a manager to a machine of that node, and to no other address', async () => {
    const network = await worker.docker.createNetwork({
      Name: 'swiftor-vms',
      IPAM: { Config: [{ Subnet: '172.30.9.0/24' }] },
    });
    const container = await worker.docker.createContainer({
      Image: 'swiftor-test/tiny:1',
      HostConfig: { NetworkMode: 'swiftor-vms' },
    });
    try {
      await container.start();
      const request = { kind: 'machine', host: '172.30.9.2', port: 3000 } as const;
      const page = await eventually(() => ask(worker, { request, said: 'GET / HTTP/1.0\r\n\r\n' }));
      expect(page).toContain('<h1>tiny</h1>');
      // The bridge's own address is the node itself. The agent closes, or resets if it has not read all that was said.
      for (const host of ['172.30.9.1', '127.0.0.1', '169.254.169.254', manager.host, worker.host])
        expect(await ask(worker, { request: { ...request, host, port: 4701 } }).catch(() => '')).toBe('');
    } finally {
      await container.remove({ force: true });
      await network.remove();
    }
  });

  it('refuses a worker, even to its own node', async () => {
    for (const node of [manager, worker]) expect(await ask(node, { from: worker }).catch(() => '')).toBe('');
    expect(await ask(worker)).toContain('OK');
  });

  it('refuses what does not prove itself, and what is not a request', async () => {
    const { ca } = readNodeIdentity(manager.certificates);
    const nobody = dialNode(worker, { kind: 'engine' }, { ca, key: '', cert: '' }, new Map());
    expect(await text(nobody).catch(() => 'refused')).toMatch(/^(refused)?$/);
    for (const host of ['example.com', '1.2.3.4 5', '::1'])
      expect(await ask(worker, { request: { kind: 'machine', host, port: 80 } }).catch(() => '')).toBe('');
    expect(await ask(worker)).toContain('OK');
  });

  it('notices that another node answers at the address', async () => {
    const socket = dialNode(
      { id: worker.id, host: manager.host },
      { kind: 'engine' },
      readNodeIdentity(manager.certificates),
      new Map(),
    );
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await ask(worker)).toContain('OK');
  });
});
