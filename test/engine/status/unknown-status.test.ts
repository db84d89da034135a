import { beforeEach, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createVm, eventsUntil } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const gateway = useGateway();
const token = await testToken('alice');
let id: string;
/** As a newer gateway on the same database may leave it. */
beforeEach(async () => {
  id = await createVm(gateway, token, { storageType: 'EPHEMERAL' });
  await executeSql(
    gateway.databaseUrl,
    `update vm set status = 'FROBNICATED', enabled = true, next_attempt_at = now(), last_failure = '{"step": "FROBNICATING", "logTail": []}'
     where id = '${id}'`,
  );
});

const statusOf = async (): Promise<unknown> =>
  (await executeSql(gateway.databaseUrl, `select status from vm where id = '${id}'`)).rows[0];

it('a status that this version does not know is UNKNOWN in every answer, and stays as it is', async () => {
  const other = await createVm(gateway, token, { storageType: 'EPHEMERAL' });
  const { data, errors } = await gateway.graphql<{
    vms: { nodes: unknown[] };
    unknown: { totalCount: number };
    vm: unknown;
  }>(
    token,
    `query ($id: ID!) {
      vms { nodes { id status } }
      unknown: vms(filter: { status: [UNKNOWN] }) { totalCount nodes { id } }
      vm(id: $id) { status enabled lastFailure { step } progress { percent } }
    }`,
    { id },
  );
  expect(errors).toBeUndefined();
  expect(data?.vms.nodes).toContainEqual({ id, status: 'UNKNOWN' });
  expect(data?.vms.nodes).toContainEqual({ id: other, status: 'STOPPED' });
  expect(data?.unknown).toMatchObject({ totalCount: 1, nodes: [{ id }] });
  expect(data?.vm).toEqual({ status: 'UNKNOWN', enabled: true, lastFailure: { step: 'UNKNOWN' }, progress: null });
  expect((await gateway.rest(token, 'GET', `/vms/${id}`)).status).toBe(200);
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(metrics).toMatch(/swiftor_vms\{status="UNKNOWN"\} 1\n/);
  const events = await eventsUntil(gateway, token, { vmId: id }, () => true);
  expect(events).toMatchObject([{ kind: 'SNAPSHOT', status: 'UNKNOWN' }]);
  expect(await statusOf()).toEqual({ status: 'FROBNICATED' });
  await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
});

it('its owner can stop and delete it', async () => {
  expect((await gateway.rest(token, 'POST', `/vms/stop/${id}`)).status).toBe(200);
  await eventually(async () => expect(await statusOf()).toEqual({ status: 'STOPPED' }));
  expect((await gateway.rest(token, 'DELETE', `/vms/delete/${id}`)).ok).toBe(true);
  await eventually(async () => (await statusOf()) === undefined);
});

it('its owner can delete it at once, and its events go on', async () => {
  const events = await eventsUntil(
    gateway,
    token,
    { vmId: id },
    ({ kind }) => kind === 'DELETED',
    () => gateway.rest(token, 'DELETE', `/vms/delete/${id}`),
  );
  expect(events.map(({ status, previousStatus }) => [status, previousStatus])).toEqual([
    ['UNKNOWN', null],
    ['DELETING', 'UNKNOWN'],
    ['DELETED', 'DELETING'],
  ]);
});
