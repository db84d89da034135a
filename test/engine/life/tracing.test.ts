import { SpanKind } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openTestRegistry, type TestRegistry } from '../../support/engine/images/registry.ts';
import { eventually } from '../../support/eventually.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { recordSpans } from '../../support/tracing/record-spans.ts';
import { createVmProbe } from '../../support/vm/vm-probe.ts';
import { createVm, VM_INPUT } from '../../support/vm/vms.ts';

const spans = recordSpans();
let registry: TestRegistry;
let image: string;
beforeAll(async () => {
  registry = await openTestRegistry();
  image = await registry.push('traced', [20_000]);
});
// After the gateway's containers, which hold its image.
afterAll(() => registry?.[Symbol.asyncDispose]());
const gateway = useGateway(() => ({
  distributions: [{ code: 'traced', image, defaultPort: 3000, stopGraceSeconds: 2, bootSeconds: 20 }],
}));
const token = await testToken('alice', { plan: 'unlimited' });
const { reaches } = createVmProbe(gateway, token);

const CLIENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const START = 'mutation Start($id: ID!) { startVm(id: $id) { id } }';

function send(path: string, body: object, traceId: string): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      traceparent: `00-${traceId}-${CLIENT.spanId}-01`,
    },
    body: JSON.stringify(body),
  });
}

/** Makes the reconciler look at the VM again, and waits until it has. */
async function checkAgain(id: string): Promise<void> {
  const { rows } = await executeSql(
    gateway.databaseUrl,
    `update vm set next_attempt_at = now(), wakes = wakes + 1 where id = '${id}' returning observed_at`,
  );
  const [before] = rows as { observed_at: Date }[];
  await eventually(async () => {
    const now = await executeSql(gateway.databaseUrl, `select observed_at, lease_owner from vm where id = '${id}'`);
    const [row] = now.rows as { observed_at: Date; lease_owner: string | null }[];
    return (
      row !== undefined && before !== undefined && row.observed_at > before.observed_at && row.lease_owner === null
    );
  });
}

describe('with the SDK of OpenTelemetry', () => {
  it('one trace leads from the client to the app that answers', async () => {
    const id = await createVm(gateway, token, { distribution: 'traced', desktop: null });
    const answer = await send('/graphql', { query: START, variables: { id } }, CLIENT.traceId);
    expect(answer.status).toBe(200);
    await reaches(id, 'RUNNING');
    const trace = () => spans.ofTrace(CLIENT.traceId);
    await eventually(async () => trace().some(({ name }) => name === 'vm.reconcile'));

    const names = new Set(trace().map(({ name }) => name));
    const path = ['POST /graphql', 'mutation', 'vm.change', 'vm.reconcile', 'vm.ensure', 'vm.awaitAnswer'];
    const engine = [
      'engine: await image',
      'engine: pull image',
      'engine: create a container',
      'engine: start a container',
    ];
    expect([...path, ...engine].filter((name) => !names.has(name))).toEqual([]);

    // Each span is below another of the trace; the first is below the client's.
    const ids = new Set([CLIENT.spanId, ...trace().map((span) => span.spanContext().spanId)]);
    expect(trace().filter(({ parentSpanContext }) => !ids.has(parentSpanContext?.spanId ?? ''))).toEqual([]);
    const find = (name: string) => trace().find((span) => span.name === name);
    expect(find('POST /graphql')).toMatchObject({
      kind: SpanKind.SERVER,
      parentSpanContext: { spanId: CLIENT.spanId },
      attributes: { 'http.request.method': 'POST', 'http.route': '/graphql', 'http.response.status_code': 200 },
    });
    expect(find('mutation')?.attributes).toEqual({
      'graphql.operation.type': 'mutation',
      'graphql.operation.name': 'Start',
    });
    expect(find('vm.change')?.attributes).toEqual({ 'swiftor.action': 'VM_STARTED', 'swiftor.vm.id': id });
    const told = trace().flatMap(({ events }) => events.map(({ attributes }) => attributes?.['to']));
    expect(told).toEqual(expect.arrayContaining(['PULLING', 'STARTING', 'BOOTING', 'RUNNING']));
  });

  it('the checks of a VM that runs have no traces', async () => {
    const id = await createVm(gateway, token);
    await gateway.graphql(token, START, { id });
    await reaches(id, 'RUNNING');
    const ofVm = () => spans.all().filter(({ attributes }) => attributes['swiftor.vm.id'] === id);
    await eventually(async () => ofVm().some(({ name }) => name === 'vm.reconcile'));
    await checkAgain(id);
    const before = spans.all().length;
    await checkAgain(id);
    expect(
      spans
        .all()
        .slice(before)
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it('a REST request is named after its route, and a refusal by its code', async () => {
    const traceId = '1af7651916cd43dd8448eb211c80319c';
    const answer = await send('/vms/start/0198c0de-0000-7000-8000-000000000001', {}, traceId);
    expect(answer.status).toBe(404);
    await eventually(async () => spans.ofTrace(traceId).length >= 3);
    const byName = new Map(spans.ofTrace(traceId).map((span) => [span.name, span]));
    expect(byName.get('POST /vms/start/:vmid')?.attributes['http.response.status_code']).toBe(404);
    expect(byName.get('mutation')?.attributes['error.type']).toBe('NOT_FOUND');
    expect(byName.get('vm.change')?.attributes['error.type']).toBe('NOT_FOUND');
  });

  it('no span has a token, a password or anything else that a client sent but ids and names', () => {
    const written = JSON.stringify(
      spans.all().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    );
    expect(written).toContain('vm.change');
    for (const value of [token, VM_INPUT.password, VM_INPUT.vmlabel, 'startVm']) expect(written).not.toContain(value);
  });
});
