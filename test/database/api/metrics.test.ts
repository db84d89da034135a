import { expect, it } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';
import { logOf, metricsOf, monitoringOf } from '../../support/gateway/metrics-of.ts';
import { eventually } from '../../support/eventually.ts';

const gateway = useApi({ METRICS_PORT: '0', ACCESS_LOG: '1' });

it('serves metrics and health on a port of their own, and nothing else there', async () => {
  const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;
  const own = monitoringOf(gateway);
  expect(
    await Promise.all(['/metrics', '/health/live', '/health/ready', '/vms', '/'].map((at) => statusOf(own + at))),
  ).toEqual([200, 200, 200, 404, 404]);
  expect(
    await Promise.all(['/metrics', '/health/live', '/health/ready'].map((at) => statusOf(gateway.url + at))),
  ).toEqual([404, 200, 200]);
});

it('names counters, and only those, with _total', async () => {
  const text = await (await fetch(`${monitoringOf(gateway)}/metrics`)).text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => ({ name, type }));
  expect(types.length).toBeGreaterThan(20);
  expect(types.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'))).toEqual([]);
});

it('counts requests, errors by code and refusals by limit', async () => {
  const before = await metricsOf(gateway);
  const token = await gateway.token('metrics-requests');
  await (await gateway.post(token, '{ me { userId } }')).json();
  await (await gateway.post('wrong', '{ me { userId } }')).json();
  const after = await metricsOf(gateway);
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(grown('swiftor_http_request_duration_seconds_count{handler="graphql",code="200"}')).toBe(1);
  expect(grown('swiftor_http_request_duration_seconds_count{handler="graphql",code="401"}')).toBe(1);
  expect(grown('swiftor_request_errors_total{code="UNAUTHENTICATED"}')).toBe(1);
  expect([...after.keys()].filter((name) => name.startsWith('swiftor_build_info{version="'))).toHaveLength(1);
  expect(after.get('swiftor_database_connections{pool="api",state="idle"}')).toBeGreaterThan(0);
});

it('measures how late events are, and counts who listens', async () => {
  const token = await gateway.token('metrics-events');
  const stream = await gateway.post(
    token,
    'subscription { vmEvents { kind } }',
    {},
    {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'text/event-stream' },
    },
  );
  const live = await metricsOf(gateway);
  // The process has counted those of earlier gateways, too.
  const grown = async (name: string): Promise<number> =>
    ((await metricsOf(gateway)).get(name) ?? 0) - (live.get(name) ?? 0);
  expect([live.get('swiftor_live_connections'), live.get('swiftor_event_subscribers')]).toEqual([1, 1]);
  await gateway.createVm(token, 'measured');
  await eventually(async () => (await grown('swiftor_event_lag_seconds_count')) > 0);
  expect(await grown('swiftor_event_lag_seconds_sum')).toBeLessThan(5);
  await stream.body?.cancel();
  await eventually(async () => (await metricsOf(gateway)).get('swiftor_live_connections') === 0);
});

it('ACCESS_LOG writes a line for each operation', async () => {
  const token = await gateway.token('metrics-log');
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'x-request-id': 'logged-one',
  };
  await (await gateway.post(token, 'query Mine { me { userId } }', {}, { headers })).json();
  await (await fetch(`${gateway.url}/vms`, { headers: { ...headers, 'x-request-id': 'logged-two' } })).json();
  const found = (requestId: string) => logOf(gateway).find((line) => line['requestId'] === requestId);
  await eventually(() => found('logged-two') !== undefined);
  expect(found('logged-one')).toMatchObject({
    userId: 'metrics-log',
    operation: 'Mine',
    kind: 'query',
    ms: expect.any(Number),
  });
  expect(found('logged-two')).toMatchObject({ userId: 'metrics-log', operation: 'GET /vms', kind: 'query' });
});
