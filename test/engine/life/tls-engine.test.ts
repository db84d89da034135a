import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTlsEngine, type TlsEngine } from '../../support/engine/proxied/tls-engine.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { openVm } from '../../support/ingress/open-vm.ts';
import { createVmProbe, execInVm } from '../../support/vm/vm-probe.ts';
import { createVm } from '../../support/vm/vms.ts';

let folder: string;
let engine: TlsEngine;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-tls-'));
  engine = await openTlsEngine(path.join(folder, 'certs'));
});
afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
const gateway = useGateway(() => ({
  env: { REGIONS: `AU=tls://127.0.0.1:${engine.port}`, ENGINE_CERTS: path.join(folder, 'certs') },
}));
const token = await testToken('alice', { plan: 'unlimited' });
const { start, stop, reaches } = createVmProbe(gateway, token);

it('a VM lives on an engine behind TLS: it starts, answers, runs a program and stops', async () => {
  const id = await createVm(gateway, token);
  await start(id);
  await reaches(id, 'RUNNING');
  expect((await (await openVm(gateway, token, id)).visit()).status).toBe(200);
  const { data, errors } = await gateway.graphql<{ vmExec: { exitCode: number; stdout: string } }>(
    token,
    'mutation ($id: ID!) { vmExec(vmId: $id, command: ["/bin/sh", "-c", "echo over TLS"]) { exitCode stdout } }',
    { id },
  );
  expect(errors).toBeUndefined();
  expect(data?.vmExec).toEqual({ exitCode: 0, stdout: 'over TLS\n' });
  expect(await execInVm(id, 'echo here')).toBe('here');
  await stop(id);
  await reaches(id, 'STOPPED');
  expect(engine.taken).toBeGreaterThan(0);
});
