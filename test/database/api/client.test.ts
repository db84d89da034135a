import { describe, expect, it } from 'vitest';
import { graphql } from '../../../client/src/graphql.ts';
import {
  createSwiftorClient,
  SwiftorError,
  type SwiftorClientOptions,
  type VmsState,
} from '../../../client/src/index.ts';
import { useApi } from '../../support/api/use-api.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { removeVmRow } from '../../support/database/remove-vm-row.ts';

const INPUT = { vmlabel: 'mine', region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 } as const;
const NOBODYS = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';

const gateway = useApi({ FORWARD_PORTS: '20000-29999' });

const clientOf = (userId: string, options: Partial<SwiftorClientOptions> = {}) =>
  createSwiftorClient({ url: gateway.url, token: () => gateway.token(userId), ...options });

/** Writes what a reconciler would, of which there is none here. */
async function setStatus(id: string, status: string, columns = ''): Promise<void> {
  await executeSql(
    gateway.databaseUrl,
    `with owner as (
       update account set event_seq = event_seq + 1 where user_id = (select user_id from vm where id = '${id}')
       returning user_id, event_seq
     ), changed as (
       update vm set status = '${status}', last_event_seq = event_seq ${columns} from owner where id = '${id}'
     ), told as (
       insert into vm_event (user_id, seq, vm_id, kind, status)
       select user_id, event_seq, '${id}', 'CHANGED', '${status}' from owner
     )
     select pg_notify('vm_event', json_build_array(user_id, '${id}')::text) from owner`,
  );
}

const removeVm = (id: string): Promise<void> => removeVmRow(gateway.databaseUrl, id);

describe('watchVms', () => {
  it('begins with all VMs, also with none, and then tells each change', async () => {
    const connections: boolean[] = [];
    const { watchVms, createVm, updateVm } = clientOf('empty', { onConnection: (is) => connections.push(is) });
    const states: VmsState[] = [];
    let id = '';
    for await (const state of watchVms()) {
      states.push(state);
      if (states.length === 1) ({ id } = await createVm(INPUT));
      if (states.length === 2) await updateVm({ id, vmlabel: 'renamed' });
      if (states.length === 3) break;
    }
    expect(states.map(({ vms }) => [...vms.values()].map(({ vmlabel }) => vmlabel))).toEqual([
      [],
      ['mine'],
      ['renamed'],
    ]);
    expect(states.map(({ changes }) => changes.map(({ seq, kind }) => [seq, kind]))).toEqual([
      [],
      [[1, 'CREATED']],
      [[2, 'CHANGED']],
    ]);
    expect(connections[0]).toBe(true);
  });

  it('ends quietly when the signal aborts', async () => {
    const leaving = new AbortController();
    let count = 0;
    for await (const state of clientOf('leaver').watchVms({ signal: leaving.signal })) {
      count += state.vms.size + 1;
      leaving.abort();
    }
    expect(count).toBe(1);
  });

  it('ends with UNAUTHENTICATED if nobody is signed in', async () => {
    const { watchVms, request } = clientOf('x', { token: () => null });
    await expect(watchVms().next()).rejects.toMatchObject({ name: 'SwiftorError', code: 'UNAUTHENTICATED' });
    await expect(request(graphql('{ me { userId } }'), {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('one VM', () => {
  it('is watched until it is deleted', async () => {
    const { createVm, watchVm } = clientOf('watcher');
    const { id } = await createVm(INPUT);
    const statuses: string[] = [];
    for await (const { status } of watchVm(id)) {
      statuses.push(status);
      if (status === 'STOPPED') await setStatus(id, 'QUEUED');
      if (status === 'QUEUED') await removeVm(id);
    }
    expect(statuses).toEqual(['STOPPED', 'QUEUED']);
    await expect(watchVm(id).next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(watchVm(NOBODYS).next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is waited for', { timeout: 60_000 }, async () => {
    const { createVm, waitFor } = clientOf('waiter');
    const { id } = await createVm(INPUT);
    const within = AbortSignal.timeout(50_000);
    expect(await waitFor(id, ['STOPPED', 'FAILED'], within)).toMatchObject({ id, status: 'STOPPED' });
    const running = waitFor(id, 'RUNNING', within);
    for (const status of ['QUEUED', 'BOOTING', 'RUNNING']) await setStatus(id, status);
    expect(await running).toMatchObject({ id, status: 'RUNNING' });
    const failure = (retryAt: string): string =>
      `, last_failure = '{"step":"BOOTING","code":"APP_SILENT","message":"It is silent.","oomKilled":false,"logTail":[],"at":"2026-01-01T00:00:00Z"${retryAt}}'`;
    await setStatus(id, 'QUEUED');
    const failing = waitFor(id, 'RUNNING', within).catch((error: unknown) => error);
    // The gateway tries again by itself after the first one.
    await setStatus(id, 'FAILED', failure(',"retryAt":"2026-01-01T00:01:00Z"'));
    await setStatus(id, 'FAILED', failure(''));
    expect(await failing).toMatchObject({
      code: 'VM_FAILED',
      message: 'It is silent.',
      details: { failure: { code: 'APP_SILENT' } },
    });
    const aborting = new AbortController();
    const aborted = waitFor(id, 'STOPPED', aborting.signal);
    aborting.abort(new Error('no more patience'));
    await expect(aborted).rejects.toThrow('no more patience');
    const deleted = waitFor(id, 'DELETED', within);
    const missed = waitFor(id, 'STOPPED', within).catch((error: unknown) => error);
    await setStatus(id, 'DELETING');
    // Sent after the other two on one socket: they have read the VM, too, before it is gone.
    await waitFor(id, 'DELETING', within);
    await removeVm(id);
    expect(await deleted).toMatchObject({ id, status: 'DELETED' });
    expect(await missed).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an operation', () => {
  it('is sent by its method, and returns the VM as it is then', async () => {
    const client = clientOf('operator');
    const { id, url } = await client.createVm({ ...INPUT, idempotencyKey: 'once' });
    expect((await client.createVm({ ...INPUT, idempotencyKey: 'once' })).id).toBe(id);
    expect(await client.setSecret({ vmId: id, key: 'A_KEY', value: 'x' })).toMatchObject({ id, url });
    expect(await client.deleteSecret(id, 'A_KEY')).toMatchObject({ id });
    const { networking } = await client.addSubdomain({ vmId: id, name: 'web', internalPort: 80 });
    expect(networking).toMatchObject([{ name: 'web', visibility: 'PUBLIC' }]);
    expect((await client.removeSubdomain(id, 'web')).networking).toEqual([]);
    expect(await client.startVm(id)).toMatchObject({ enabled: true });
    expect(await client.restartVm(id)).toMatchObject({ enabled: true });
    expect(await client.stopVm(id)).toMatchObject({ enabled: false });
    expect((await client.openVm({ vmId: id, accessFor: '1h' })).url).toContain(id);
    expect((await client.shareVm({ vmId: id, role: 'CONTROL', for: '1h' })).url).toContain(id);
    expect(await client.deleteVm(id)).toBe(id);
  });

  it('is of any document, whose result is typed', async () => {
    const { request, createVm } = clientOf('typed');
    const { id } = await createVm(INPUT);
    const text = 'query ($id: ID!) { vm(id: $id) { vmlabel } }';
    const Label = graphql(text);
    const { vm } = await request(Label, { id });
    const label: string | undefined = vm?.vmlabel;
    expect(label).toBe('mine');
    // As GraphQL Code Generator and graphql-tag make them.
    for (const document of [new String(text), { kind: 'Document', loc: { source: { body: text } } }])
      expect(await request(document as typeof Label, { id })).toEqual({ vm: { vmlabel: 'mine' } });
  });

  it('rejects with the code and the details of the gateway', async () => {
    const { createVm, addPort, removePort } = clientOf('wrong');
    const refused = await createVm({ ...INPUT, cpu: 0 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SwiftorError);
    expect(refused).toMatchObject({ code: 'BAD_USER_INPUT', details: { fields: [{ path: 'input.cpu' }] } });
    await expect(addPort({ vmId: NOBODYS, protocol: 'TCP', internalPort: 1 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(removePort({ vmId: NOBODYS, protocol: 'TCP', internalPort: 1 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const { createVm: create } = clientOf('nowhere', { url: 'http://127.0.0.1:1' });
    await expect(create(INPUT)).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
