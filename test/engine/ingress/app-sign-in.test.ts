import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openVm } from '../../support/ingress/open-vm.ts';
import { createSeeminglyRunningVm } from '../../support/vm/seem-running.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { visit } from '../../support/ingress/visit.ts';
import { VM_INPUT } from '../../support/vm/vms.ts';

const BASIC = `Basic ${Buffer.from(`abc:${VM_INPUT.password}`).toString('base64')}`;
const seen: { method: string | undefined; url: string | undefined; headers: IncomingHttpHeaders }[] = [];
const forms: string[] = [];
const port = await listenApp();
const app = { image: 'swiftor-test/none:1', defaultPort: port, passwordVariables: ['PASSWORD'] };
const gateway = useGateway({
  distributions: [
    { code: 'basic', ...app, signIn: { kind: 'basic' } },
    { code: 'form', ...app, signIn: { kind: 'form', path: '/login', cookie: 'session' } },
  ],
  env: { ROLES: 'api,ingress' },
});
const token = await testToken('alice');

/** An app that notes what it gets, and whose form gives a cookie. */
async function listenApp(): Promise<number> {
  const server = createServer((req, res) => {
    const { method, url, headers } = req;
    if (url === '/login') {
      void req.setEncoding('utf8').on('data', (text: string) => void forms.push(text));
      req.on('end', () =>
        res.writeHead(302, { location: '/', 'set-cookie': ['other=1', 'session=s3cret; Path=/'] }).end(),
      );
      return;
    }
    seen.push({ method, url, headers });
    res.setHeader('set-cookie', ['session=s3cret; Path=/', 'theme=dark']);
    res.end('the app');
  });
  new WebSocketServer({ server }).on('connection', (ws, { method, url, headers }) => {
    seen.push({ method, url, headers });
    ws.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

const last = (): IncomingHttpHeaders => seen.at(-1)?.headers ?? {};
async function signInsOf(id: string): Promise<{ actor: string | null; count: number }[]> {
  const { rows } = await executeSql(
    gateway.databaseUrl,
    `select actor, count from audit where vm_id = '${id}' and action = 'APP_SIGNED_IN' order by number`,
  );
  return rows as { actor: string | null; count: number }[];
}

describe('who has access to a VM', () => {
  it('is signed in to an app that takes Basic, by request and by WebSocket; the audit tells it once an access', async () => {
    const id = await createSeeminglyRunningVm(gateway, token, 'basic');
    const own = await openVm(gateway, token, id);
    const answers = await Promise.all(Array.from({ length: 5 }, () => own.visit()));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(seen.slice(-5).map(({ headers }) => headers.authorization)).toEqual(Array.from({ length: 5 }, () => BASIC));
    expect(JSON.stringify(answers)).not.toContain(VM_INPUT.password);
    const ws = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers: { host: own.host, cookie: own.cookie } });
    await once(ws, 'close');
    expect([seen.at(-1)?.method, last().authorization]).toEqual(['GET', BASIC]);
    expect(await signInsOf(id)).toEqual([{ actor: 'alice', count: 1 }]);
    await (await openVm(gateway, token, id)).visit();
    expect((await signInsOf(id)).reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });

  it('is signed in with the new password as soon as it is set', async () => {
    const id = await createSeeminglyRunningVm(gateway, token, 'basic');
    const own = await openVm(gateway, token, id);
    await own.visit();
    const set = 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }';
    await gateway.graphql(token, set, { input: { vmId: id, key: 'VM_PASSWORD', value: 'another one' } });
    const expected = `Basic ${Buffer.from('abc:another one').toString('base64')}`;
    // The VM seems to run: its row says so again, as the reconciler would.
    await executeSql(gateway.databaseUrl, `update vm set status = 'RUNNING' where id = '${id}'`);
    await eventually(async () => (await own.visit()).status === 200 && last().authorization === expected, {
      deadline: 10_000,
    });
    expect(await signInsOf(id)).toHaveLength(1);
  });

  it('keeps an Authorization of their own, and gets none where a TRACE would repeat it', async () => {
    const own = await openVm(gateway, token, await createSeeminglyRunningVm(gateway, token, 'basic'));
    await own.visit('/', { authorization: 'Bearer mine' });
    expect(last().authorization).toBe('Bearer mine');
    await visit(gateway.port, own.host, '/', { cookie: own.cookie }, 'TRACE');
    expect([seen.at(-1)?.method, last().authorization]).toEqual(['TRACE', undefined]);
  });

  it('is signed in to an app with a form, whose cookie stays with the gateway', async () => {
    const own = await openVm(gateway, token, await createSeeminglyRunningVm(gateway, token, 'form'));
    const [first, second] = [await own.visit(), await own.visit('/', { cookie: `${own.cookie}; session=old; a=1` })];
    expect(forms).toEqual([`password=${VM_INPUT.password}`]);
    expect(seen.at(-2)?.headers.cookie).toBe('session=s3cret');
    expect(last().cookie).toBe('a=1; session=s3cret');
    expect([first.headers['set-cookie'], second.headers['set-cookie']]).toEqual([['theme=dark'], ['theme=dark']]);
  });

  it('is asked by the app after openVm(signIn: false), at other ports, and at PUBLIC names', async () => {
    const id = await createSeeminglyRunningVm(gateway, token, 'basic');
    const { data } = await gateway.graphql<{ openVm: { url: string } }>(
      token,
      `mutation { openVm(vmId: "${id}", signIn: false) { url } }`,
    );
    const link = new URL(data?.openVm.url ?? '');
    const { headers } = await visit(gateway.port, link.host, link.pathname + link.search);
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    await visit(gateway.port, link.host, '/', { cookie });
    expect(last().authorization).toBeUndefined();
    const add = (name: string, visibility: string) =>
      gateway.graphql(
        token,
        `mutation { addSubdomain(input: { vmId: "${id}", name: "${name}", internalPort: ${port}, visibility: ${visibility} }) { name } }`,
      );
    await add('open', 'PUBLIC');
    await add('mine', 'PRIVATE');
    const [open, mine] = [await openVm(gateway, token, id, 'open'), await openVm(gateway, token, id, 'mine')];
    await open.visit();
    expect(last().authorization).toBeUndefined();
    await mine.visit();
    expect(last().authorization).toBe(BASIC);
  });
});

it('nothing in the database or the audit has the password', async () => {
  const { rows } = await executeSql(
    gateway.databaseUrl,
    'select audit::text as line from audit union all select vm_access::text from vm_access',
  );
  const text = (rows as { line: string }[]).map(({ line }) => line).join('\n');
  expect(text).toContain('APP_SIGNED_IN');
  expect(text).not.toContain(VM_INPUT.password);
});
