import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway/gateway.ts';
import { createSeeminglyRunningVm } from '../../support/vm/seem-running.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { visit } from '../../support/ingress/visit.ts';
import { createVm } from '../../support/vm/vms.ts';

const ACCESS = 'openAccess { id role name isGuest since openedAt address until }';
const PAGE = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
const port = await listenEcho();
const distributions = [
  { code: 'echo', name: 'Echo', image: 'swiftor-test/none:1', defaultPort: port, honoursViewers: 'all' },
  { code: 'plain', name: 'Plain', image: 'swiftor-test/none:1', defaultPort: port },
];
const env = { ROLES: 'api,ingress', OPEN_ACCESS_MAX: '12h' };
const gateway = useGateway({ distributions, env });
const token = await testToken('alice');

interface Access {
  readonly id: string;
  readonly role: string;
  readonly isGuest: boolean;
  readonly openedAt: string | null;
  readonly address: string | null;
  readonly until: string;
}
interface Link {
  readonly url: string;
  readonly linkUntil: string;
  readonly accessUntil: string;
}

/** An app that answers every request, and every WebSocket. */
async function listenEcho(): Promise<number> {
  const app = createServer((_req, res) => void res.end('the app'));
  new WebSocketServer({ server: app }).on('connection', (ws) => ws.on('error', () => undefined));
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  return (app.address() as { port: number }).port;
}

async function run<T>(mutation: string, as = token): Promise<T> {
  const { data, errors } = await gateway.graphql<T>(as, `mutation { ${mutation} }`);
  if (data == null) throw new Error(JSON.stringify(errors));
  return data;
}
const open = async (args: string): Promise<Link> =>
  (await run<{ openVm: Link }>(`openVm(${args}) { url linkUntil accessUntil }`)).openVm;
const share = async (args: string): Promise<Link> =>
  (await run<{ shareVm: Link }>(`shareVm(${args}) { url linkUntil accessUntil }`)).shareVm;
const listOf = async (id: string): Promise<readonly Access[]> =>
  (await gateway.graphql<{ vm: { openAccess: Access[] } }>(token, `{ vm(id: "${id}") { ${ACCESS} } }`)).data?.vm
    .openAccess ?? [];
const end = (id: string, accessId?: string) =>
  run(`endAccess(vmId: "${id}"${accessId === undefined ? '' : `, accessId: "${accessId}"`}) { id }`);

/** Follows the link as a browser; the cookie that it got. */
async function follow(link: Link, cookie?: string): Promise<{ host: string; cookie: string }> {
  const { host, pathname, search } = new URL(link.url);
  const { status, headers, body } = await visit(
    gateway.port,
    host,
    pathname + search,
    cookie === undefined ? {} : { cookie },
  );
  const pair = headers['set-cookie']?.[0]?.split(';')[0];
  if (status !== 303 || pair === undefined) throw new Error(`The link answered ${status}: ${body}`);
  return { host, cookie: pair };
}
const statusAt = async ({ host, cookie }: { host: string; cookie: string }, on: Pick<TestGateway, 'port'> = gateway) =>
  (await visit(on.port, host, '/', { cookie })).status;

describe('openVm', () => {
  it('gives an access that outlives the token, and lists it with the address of who used the link', async () => {
    const id = await createVm(gateway, token);
    const short = await gateway.token('alice', { ttlSeconds: 5 });
    const { openVm: link } = await run<{ openVm: Link }>(`openVm(vmId: "${id}") { url linkUntil accessUntil }`, short);
    expect(await listOf(id)).toEqual([]);
    const left = (at: string) => Date.parse(at) - Date.now();
    expect(left(link.linkUntil)).toBeLessThanOrEqual(60_000);
    expect(left(link.accessUntil)).toBeGreaterThan(12 * 3_600_000 - 10_000);
    expect(left(link.accessUntil)).toBeLessThanOrEqual(12 * 3_600_000);
    expect(await statusAt(await follow(link))).toBe(503);
    expect(await listOf(id)).toMatchObject([
      { role: 'CONTROL', isGuest: false, name: null, address: '127.0.0.1', until: link.accessUntil },
    ]);
  });

  it.each([
    ['1h', 3_600_000],
    ['30d', 12 * 3_600_000],
  ])('with accessFor %s ends after %d ms', async (accessFor, ms) => {
    const id = await createVm(gateway, token);
    const { accessUntil } = await open(`vmId: "${id}", accessFor: "${accessFor}"`);
    expect(Math.abs(Date.parse(accessUntil) - Date.now() - ms)).toBeLessThan(10_000);
  });

  it('refuses what is no duration, and more links than a VM may have', async () => {
    const id = await createVm(gateway, token);
    const refused = async (mutation: string) =>
      (await gateway.graphql(token, `mutation { ${mutation} }`)).errors?.[0]?.extensions;
    expect(await refused(`openVm(vmId: "${id}", accessFor: "soon") { url }`)).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'accessFor' }],
    });
    await executeSql(
      gateway.databaseUrl,
      `insert into vm_access (vm_id, role, is_guest, signs_in, link_hash, link_until, until)
       select '${id}', 'CONTROL', true, true, sha256(i::text::bytea), now() + interval '1 h', now() + interval '1 h'
       from generate_series(1, 200) i`,
    );
    expect(await refused(`openVm(vmId: "${id}") { url }`)).toMatchObject({ code: 'CONFLICT' });
    // What is over makes room.
    await executeSql(gateway.databaseUrl, `update vm_access set link_until = now() where vm_id = '${id}'`);
    expect(await refused(`openVm(vmId: "${id}") { url }`)).toBeUndefined();
  });

  it('replaces the access that the same browser had', async () => {
    const id = await createVm(gateway, token);
    const first = await follow(await open(`vmId: "${id}"`));
    const second = await follow(await open(`vmId: "${id}"`), first.cookie);
    expect(await listOf(id)).toHaveLength(1);
    expect(await statusAt(second)).toBe(503);
  });
});

describe('shareVm', () => {
  it('makes a link that works once, until its access ends, and is listed before and after', async () => {
    const id = await createVm(gateway, token);
    const link = await share(`vmId: "${id}", role: CONTROL, for: "2h"`);
    expect(link.linkUntil).toBe(link.accessUntil);
    expect(await listOf(id)).toMatchObject([{ role: 'CONTROL', isGuest: true, openedAt: null, address: null }]);
    await follow(link);
    const [access] = await listOf(id);
    expect(access?.openedAt).not.toBeNull();
    const { host, pathname, search } = new URL(link.url);
    expect(await visit(gateway.port, host, pathname + search, PAGE)).toMatchObject({
      status: 410,
      body: expect.stringContaining('This link no longer works'),
    });
  });

  it('gives a guest no start button, and no name of the VM', async () => {
    const id = await createVm(gateway, token, { vmlabel: 'Secret plans' });
    const { host, cookie } = await follow(await share(`vmId: "${id}", role: CONTROL, for: "2h"`));
    const { status, body } = await visit(gateway.port, host, '/', { cookie, ...PAGE });
    expect(status).toBe(503);
    expect(body).not.toContain('<form');
    expect(body).not.toContain('Secret plans');
    const press = await visit(gateway.port, host, '/.swiftor/start', { cookie, origin: `http://${host}` }, 'POST');
    expect(press.body).toBe('not here');
    const { data } = await gateway.graphql<{ vm: { enabled: boolean } }>(token, `{ vm(id: "${id}") { enabled } }`);
    expect(data?.vm.enabled).toBe(false);
  });

  it('refuses VIEW where the app cannot tell viewers apart', async () => {
    const refusal = async (id: string, more = '') =>
      (await gateway.graphql(token, `mutation { shareVm(vmId: "${id}", role: VIEW, for: "1h"${more}) { url } }`))
        .errors?.[0];
    const setImage = (id: string) =>
      executeSql(
        gateway.databaseUrl,
        `update vm set image_reference = 'swiftor-test/none:1', image_id = 'x', image_since = now() where id = '${id}'`,
      );
    const [plain, echo] = [
      await createSeeminglyRunningVm(gateway, token, 'plain'),
      await createSeeminglyRunningVm(gateway, token, 'echo'),
    ];
    expect((await refusal(echo))?.message).toContain('start it first');
    await setImage(plain);
    await setImage(echo);
    expect(await refusal(plain)).toMatchObject({
      message: 'This image of Plain cannot tell who may only look on: share it with the role CONTROL.',
      extensions: { code: 'CONFLICT' },
    });
    expect(await refusal(echo)).toBeUndefined();
    await run(`addSubdomain(input: { vmId: "${echo}", name: "other", internalPort: 1, visibility: PRIVATE }) { name }`);
    expect((await refusal(echo, ', name: "other"'))?.message).toContain('What answers at this address');
  });
});

describe('endAccess', () => {
  it('cuts a WebSocket and closes the address within a second, on a gateway that gets no notification too', async () => {
    const other = await createTestGateway({ databaseUrl: gateway.databaseUrl, distributions, env });
    onTestFinished(() => other[Symbol.asyncDispose]());
    const id = await createSeeminglyRunningVm(gateway, token, 'echo');
    const guest = await follow(await share(`vmId: "${id}", role: CONTROL, for: "2h"`));
    const own = await follow(await open(`vmId: "${id}"`));
    const connect = async (on: Pick<TestGateway, 'port'>, { host, cookie }: typeof guest): Promise<WebSocket> => {
      const ws = new WebSocket(`ws://127.0.0.1:${on.port}/`, { headers: { host, cookie } });
      ws.on('error', () => undefined);
      onTestFinished(() => ws.terminate());
      await once(ws, 'open');
      return ws;
    };
    const sockets = [await connect(gateway, guest), await connect(other, guest)];
    const kept = await connect(other, own);
    expect(await Promise.all([statusAt(guest), statusAt(guest, other)])).toEqual([200, 200]);
    const closed = Promise.all(sockets.map((ws) => once(ws, 'close')));
    // As the mutation does, but without the notification after it.
    await executeSql(
      gateway.databaseUrl,
      `with ended as (delete from vm_access where vm_id = '${id}' and is_guest)
       update vm set access_version = access_version + 1 where id = '${id}'`,
    );
    const begun = performance.now();
    await closed;
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(await Promise.all([statusAt(guest), statusAt(guest, other)])).toEqual([404, 404]);
    expect([await statusAt(own), kept.readyState]).toEqual([200, WebSocket.OPEN]);
  });

  it('ends one access or all, withdraws unused links, and tells its holder so', async () => {
    const id = await createVm(gateway, token);
    const [guest, unused] = [
      await follow(await share(`vmId: "${id}", role: CONTROL, for: "2h"`)),
      await share(`vmId: "${id}", role: CONTROL, for: "2h"`),
    ];
    const own = await follow(await open(`vmId: "${id}"`));
    const [ofGuest] = (await listOf(id)).filter(({ isGuest, openedAt }) => isGuest && openedAt !== null);
    await end(id, ofGuest?.id);
    const asked = await visit(gateway.port, guest.host, '/', { cookie: guest.cookie, ...PAGE });
    expect([asked.status, asked.body]).toEqual([403, expect.stringContaining('Whoever shared this with you')]);
    expect(await statusAt(own)).toBe(503);
    await end(id);
    expect(await listOf(id)).toEqual([]);
    expect(await statusAt(own)).toBe(404);
    await expect(follow(unused)).rejects.toThrow('404');
    const { errors } = await gateway.graphql(
      token,
      `mutation { endAccess(vmId: "${id}", accessId: "${ofGuest?.id}") { id } }`,
    );
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });

  it('is done by the removal of the mapping that it was for', async () => {
    const id = await createVm(gateway, token);
    const add = `addSubdomain(input: { vmId: "${id}", name: "web", internalPort: 1, visibility: PRIVATE }) { name }`;
    await run(add);
    const web = await follow(await open(`vmId: "${id}", name: "web"`));
    expect(await statusAt(web)).toBe(503);
    await run(`removeSubdomain(vmId: "${id}", name: "web") { id }`);
    await run(add);
    await eventually(async () => (await statusAt(web)) === 404, { deadline: 1_000 });
  });

  it('takes only ids of accesses', async () => {
    const id = await createVm(gateway, token);
    const { errors } = await gateway.graphql(token, `mutation { endAccess(vmId: "${id}", accessId: "x") { id } }`);
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});

it('an access that was opened at one gateway is known at another at once', async () => {
  const other = await createTestGateway({ databaseUrl: gateway.databaseUrl, distributions, env });
  onTestFinished(() => other[Symbol.asyncDispose]());
  const id = await createSeeminglyRunningVm(gateway, token, 'echo');
  const before = await follow(await open(`vmId: "${id}"`));
  // The other gateway has the VM in its cache, without the access that comes next.
  expect(await statusAt(before, other)).toBe(200);
  expect(await statusAt(await follow(await open(`vmId: "${id}"`)), other)).toBe(200);
});
