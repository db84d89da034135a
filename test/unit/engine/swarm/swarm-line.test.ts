import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { formatLineRequest, parseLineRequest } from '../../../../src/engine/swarm/line/line-request.ts';
import { readNodeIdentity, toSubject } from '../../../../src/engine/swarm/line/node-identity.ts';

it('a request is what was formatted', () => {
  for (const request of [{ kind: 'engine' }, { kind: 'machine', host: '172.19.0.2', port: 3000 }] as const)
    expect(parseLineRequest(formatLineRequest(request).trimEnd())).toEqual(request);
});

it.each([
  '',
  'ENGINE ',
  'engine',
  'GET / HTTP/1.1',
  'MACHINE 172.19.0.2',
  'MACHINE 172.19.0.2 0',
  'MACHINE 172.19.0.2 65536',
  'MACHINE 172.19.0.2 80 x',
  'MACHINE 172.19.0.999 80',
  'MACHINE 172.19.2 80',
  'MACHINE localhost 80',
  'MACHINE ::1 80',
])('"%s" is no request', (line) => {
  expect(parseLineRequest(line)).toBeUndefined();
});

it('the subject of a certificate tells node, cluster and role', () => {
  expect(toSubject('O=cluster\nOU=swarm-manager\nCN=node')).toEqual({
    nodeId: 'node',
    clusterId: 'cluster',
    isManager: true,
  });
  expect(toSubject('O=cluster\nOU=swarm-worker\nCN=node').isManager).toBe(false);
});

it('a swarm with autolock, or no swarm at all, is told with the way out', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-certificates-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  expect(() => readNodeIdentity(folder)).toThrow(/swarm-node\.key", .* cannot be read: ENOENT\. SWARM_CERTS names/);
  await writeFile(path.join(folder, 'swarm-node.key'), '-----BEGIN ENCRYPTED PRIVATE KEY-----\n');
  expect(() => readNodeIdentity(folder)).toThrow(/autolock.*docker swarm update --autolock=false/);
});
