import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway/gateway.ts';
import { openVm } from '../../support/ingress/open-vm.ts';
import { visit } from '../../support/ingress/visit.ts';
import { createVm } from '../../support/vm/vms.ts';

/** Two web servers, and a page that never ends: what an image with a manager beside its app looks like. */
const SERVE = `trap 'exit 0' TERM
mkdir -p /manager/manage/cgi-bin /manager/cgi-bin
echo manager > /manager/index.html
echo kept > /manager/manage/index.html
printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n"\\nenv\\n' > /manager/cgi-bin/env
printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\nfirst\\\\n"\\nsleep 600\\n' > /www/cgi-bin/endless
chmod +x /manager/cgi-bin/env /www/cgi-bin/endless
httpd -p 3001 -h /manager
httpd -f -p 3000 -h /www & wait`;

let gateway: TestGateway;
/** On the same database, and only looking. */
let second: TestGateway;
let token: string;
let id: string;
beforeAll(async () => {
  const distributions = [
    {
      code: 'two',
      image: 'swiftor-test/tiny:1',
      defaultPort: 3000,
      stopGraceSeconds: 2,
      command: ['/bin/sh', '-c', SERVE],
      routes: [
        { path: '/manage', port: 3001, protocol: 'http' },
        { path: '/tool', port: 3001, protocol: 'http', prefix: 'stripped' },
        { path: '/game', port: 25565, protocol: 'tcp' },
      ],
    },
  ];
  gateway = await createTestGateway({ distributions });
  second = await createTestGateway({ databaseUrl: gateway.databaseUrl, distributions, env: { ROLES: 'api,ingress' } });
  token = await gateway.token('alice');
  id = await createVm(gateway, token, { distribution: 'two', desktop: null });
  await gateway.rest(token, 'POST', `/vms/start/${id}`);
  const isUp = async () =>
    ((await (await gateway.rest(token, 'GET', `/vms/${id}`)).json()) as { status: string }).status === 'RUNNING';
  await eventually(isUp, { deadline: 30_000 });
}, 60_000);
afterAll(async () => {
  await second?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

describe("the catalog's extra paths", () => {
  it('lead to their own ports, opened by one link', async () => {
    const own = await openVm(gateway, token, id);
    expect((await own.visit('/')).body).toContain('tiny');
    expect((await own.visit('/manage/')).body).toBe('kept\n');
    expect((await own.visit('/tool/')).body).toBe('manager\n');
    const env = (await own.visit('/tool/cgi-bin/env?a=b')).body;
    for (const line of ['HTTP_X_FORWARDED_PREFIX=/tool', 'REQUEST_URI=/cgi-bin/env?a=b', `HTTP_HOST=${own.host}`])
      expect(env).toContain(line);
    expect(env).not.toContain('swiftor_ticket');
    expect((await own.visit('/managers')).status).toBe(404);
    expect((await visit(gateway.port, own.host, '/manage/')).body).toBe('not here');
  });

  it('redirect to the trailing slash that relative addresses need', async () => {
    const own = await openVm(gateway, token, id);
    const { status, headers } = await own.visit('/manage?a=b?c');
    expect([status, headers.location, headers['cache-control']]).toEqual([307, '/manage/?a=b?c', 'no-store']);
  });

  it('of other protocols answer with an explanation', async () => {
    const own = await openVm(gateway, token, id);
    const { headers, body } = await own.visit('/game');
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(body).toContain('TCP');
    expect((await visit(gateway.port, own.host, '/game')).body).toBe('not here');
  });
});

/** A response of the app that does not end by itself, of which one byte is here. */
async function endless(port: number, host: string): Promise<IncomingMessage> {
  const outgoing = request({ host: '127.0.0.1', port, path: '/cgi-bin/endless', headers: { host }, agent: false });
  onTestFinished(() => void outgoing.destroy());
  outgoing.on('error', () => undefined).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  await once(response, 'data');
  return response;
}

const closed = (response: IncomingMessage) => new Promise((resolve) => response.once('close', resolve));

describe('a change of a route, on two gateways', () => {
  const WITHIN = 1_000;
  const addMapping = (name: string) =>
    gateway.rest(token, 'POST', '/vms/networking', { body: { vmid: id, name, internal_port: 3000 } });
  const hostOf = (name: string) => `${name}-${id}.localhost`;
  const statuses = (name: string) =>
    Promise.all([gateway, second].map(async ({ port }) => (await visit(port, hostOf(name))).status));

  it('takes effect on both within a second and ends open requests', async () => {
    await addMapping('told');
    await eventually(async () => (await statuses('told')).every((status) => status === 200), { deadline: WITHIN });
    const open = await Promise.all([gateway, second].map(({ port }) => endless(port, hostOf('told'))));
    // It may end before the answer to what ends it is here.
    const ended = Promise.all(open.map(closed));
    const begun = performance.now();
    await gateway.rest(token, 'DELETE', `/vms/networking/${id}/told`);
    await ended;
    expect(performance.now() - begun).toBeLessThan(WITHIN);
    expect(await statuses('told')).toEqual([404, 404]);
  }, 20_000);

  it('takes effect even if its notification is lost', async () => {
    await addMapping('untold');
    await eventually(async () => (await statuses('untold')).every((status) => status === 200), { deadline: WITHIN });
    const open = await Promise.all([gateway, second].map(({ port }) => endless(port, hostOf('untold'))));
    const ended = Promise.all(open.map(closed));
    // What removeSubdomain writes, without a word to anyone.
    const write = `
      with gone as (delete from vm_mapping where vm_id = '${id}' and name = 'untold'),
        counted as (update account set event_seq = event_seq + 1 where user_id = 'alice' returning event_seq),
        told as (insert into vm_event (user_id, seq, vm_id, kind, status, reason)
          select 'alice', event_seq, '${id}', 'CHANGED', 'RUNNING', 'UPDATE' from counted)
      update vm set last_event_seq = event_seq from counted where vm.id = '${id}'`;
    await executeSql(gateway.databaseUrl, write);
    const begun = performance.now();
    await ended;
    expect(performance.now() - begun).toBeLessThan(WITHIN);
    expect(await statuses('untold')).toEqual([404, 404]);
  }, 20_000);
});
