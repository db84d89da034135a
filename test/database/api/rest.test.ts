import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { executeSql } from '../../support/database/execute-sql.ts';
import { startApi } from '../../support/api/api.ts';
import { useRest } from '../../support/api/use-rest.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';

const gateway = useRest({ BASE_DOMAIN: 'swiftor.io' });
const token = await testToken('user-supabase-id');

/** The seed's own sample request. */
const SEED_CREATE = {
  config: {
    vmlabel: 'MyWebServer',
    region: { code: 'AU' },
    password: 'your-secure-password',
    storageType: 'persistent',
  },
  os: { distribution: { code: 'ubuntu' }, desktop: 'xfce', cpu: 2, ram: 4 },
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

async function textOf(response: Promise<Response>): Promise<{ status: number; text: string }> {
  const { status, ...rest } = await response.then(async (answer) => ({
    status: answer.status,
    text: await answer.text(),
  }));
  return { status, ...rest };
}

describe('the REST API', () => {
  it('answers the sample request of its specification byte for byte', async () => {
    const { status, text } = await textOf(gateway.rest(token, 'POST', '/vms/create', { body: SEED_CREATE }));
    const id = (JSON.parse(text) as { vm: { id: string } }).vm.id;
    expect(id).toMatch(UUID);
    expect(status).toBe(201);
    expect(text).toBe(
      `{"message":"VM created successfully","vm":{"id":"${id}","user_id":"user-supabase-id","vmlabel":"MyWebServer","region":"AU",` +
        '"os":{"distribution":"ubuntu","desktop":"xfce"},"specs":{"cpu":2,"ram":4,"storage":true},"enabled":false}}',
    );
  });

  it('lists VMs with exactly the specified keys', async () => {
    const own = await testToken('lister');
    const id = await createVm(gateway, own, { vmlabel: 'NewVM', cpu: 2, ram: 4, storageType: 'PERSISTENT' });
    expect(await textOf(gateway.rest(own, 'GET', '/vms'))).toEqual({
      status: 200,
      text:
        `{"vms":[{"id":"${id}","vmlabel":"NewVM","region":"AU","os":{"distribution":"ubuntu","desktop":"xfce"},` +
        '"specs":{"cpu":2,"ram":4,"storage":true},"enabled":false}]}',
    });
  });

  it('lists all VMs of an account that has more than one page of them', async () => {
    const own = await testToken('collector');
    await createVm(gateway, own, { vmlabel: 'vm 0' });
    await executeSql(
      gateway.databaseUrl,
      `insert into vm (user_id, vmlabel, region, distribution, cpu, ram_gb, persistent)
       select 'collector', 'vm ' || n, 'AU', 'krita', 1, 1, false from generate_series(1, 102) n order by n`,
    );
    const { vms } = (await (await gateway.rest(own, 'GET', '/vms')).json()) as { vms: { vmlabel: string }[] };
    expect(vms.map(({ vmlabel }) => vmlabel)).toEqual(Array.from({ length: 103 }, (_, count) => `vm ${count}`));
  });

  it('starts, stops and deletes a VM by every specified method and with the specified messages', async () => {
    for (const [start, stop, remove] of [
      ['GET', 'GET', 'GET'],
      ['POST', 'POST', 'DELETE'],
    ] as const) {
      const id = await createVm(gateway, token, { vmlabel: 'words' });
      expect(await textOf(gateway.rest(token, start, `/vms/start/${id}`))).toEqual({
        status: 200,
        text: '{"message":"VM start process initiated successfully in the background."}',
      });
      const listed = (await (await gateway.rest(token, 'GET', `/vms/${id}`)).json()) as { enabled: boolean };
      expect(listed.enabled).toBe(true);
      expect(await textOf(gateway.rest(token, stop, `/vms/stop/${id}`))).toEqual({
        status: 200,
        text: '{"message":"VM stop process initiated successfully in the background."}',
      });
      expect(await textOf(gateway.rest(token, remove, `/vms/delete/${id}`))).toEqual({
        status: 200,
        text: '{"message":"VM deleted successfully"}',
      });
    }
  });

  it('answers a repeated start, stop or delete with 200', async () => {
    const id = await createVm(gateway, token);
    for (const action of ['stop', 'start', 'start', 'stop', 'stop', 'delete', 'delete']) {
      expect([action, (await gateway.rest(token, 'GET', `/vms/${action}/${id}`)).status]).toEqual([action, 200]);
    }
  });

  it('stores and returns secrets in the specified form', async () => {
    const own = await testToken('keeper');
    const vmid = await createVm(gateway, own);
    expect(
      await textOf(
        gateway.rest(own, 'POST', '/vms/secrets', { body: { vmid, key: 'NEW_SECRET_KEY', value: 'its-secret-value' } }),
      ),
    ).toEqual({
      status: 200,
      text: `{"message":"Secret added successfully","vmid":"${vmid}","key":"NEW_SECRET_KEY"}`,
    });
    expect(await textOf(gateway.rest(own, 'GET', '/vms/secrets'))).toEqual({
      status: 200,
      text: `{"secrets":{"${vmid}":{"NEW_SECRET_KEY":"its-secret-value","VM_PASSWORD":"your-secure-password"}}}`,
    });
    for (const key of ['NEW_SECRET_KEY', 'VM_PASSWORD']) {
      expect(await textOf(gateway.rest(own, 'DELETE', `/vms/secrets/${vmid}/${key}`))).toEqual({
        status: 200,
        text: `{"message":"Secret removed successfully","vmid":"${vmid}","key":"${key}"}`,
      });
    }
    expect((await textOf(gateway.rest(own, 'GET', '/vms/secrets'))).text).toBe('{"secrets":{}}');
  });

  it('stores and returns mappings in the specified form', async () => {
    const own = await testToken('mapper');
    const vmid = await createVm(gateway, own);
    expect(
      await textOf(
        gateway.rest(own, 'POST', '/vms/networking', { body: { vmid, name: 'myapp', internal_port: 5001 } }),
      ),
    ).toEqual({
      status: 201,
      text: `{"message":"Subdomain mapping added successfully","subdomain":"myapp.${vmid}.swiftor.io","internal_port":5001}`,
    });
    await gateway.rest(own, 'POST', '/vms/networking', { body: { vmid, name: 'api', internal_port: 8080 } });
    expect(await textOf(gateway.rest(own, 'GET', '/vms/networking'))).toEqual({
      status: 200,
      text: `{"networking":{"${vmid}":{"api":{"subdomain":"api","internal_port":8080},"myapp":{"subdomain":"myapp","internal_port":5001}}}}`,
    });
    expect(await textOf(gateway.rest(own, 'DELETE', `/vms/networking/${vmid}/myapp`))).toEqual({
      status: 200,
      text: `{"message":"Subdomain mapping removed successfully","vmid":"${vmid}","name":"myapp"}`,
    });
  });

  it('returns one VM with its status and address', async () => {
    const id = await createVm(gateway, token, { distribution: 'krita', desktop: null });
    expect(await textOf(gateway.rest(token, 'GET', `/vms/${id}`))).toEqual({
      status: 200,
      text:
        `{"id":"${id}","vmlabel":"MyWebServer","region":"AU","os":{"distribution":"krita","desktop":null},` +
        `"specs":{"cpu":1,"ram":1,"storage":false},"enabled":false,"status":"STOPPED","url":"https://${id}.swiftor.io"}`,
    });
  });

  it('creates ephemeral storage if storageType is missing or has another value', async () => {
    for (const storageType of [undefined, 'ephemeral', 'PERSISTENT', 1, null]) {
      const body = { ...SEED_CREATE, config: { ...SEED_CREATE.config, storageType } };
      const answer = (await (await gateway.rest(token, 'POST', '/vms/create', { body })).json()) as {
        vm: { specs: { storage: boolean } };
      };
      expect([storageType, answer.vm.specs.storage]).toEqual([storageType, false]);
    }
  });

  it('refuses a start beyond the plan with 400 and every violation', async () => {
    const own = await testToken('small', { plan: 'core' });
    const { vm } = (await (await gateway.rest(own, 'POST', '/vms/create', { body: SEED_CREATE })).json()) as {
      vm: { id: string };
    };
    const response = await gateway.rest(own, 'GET', `/vms/start/${vm.id}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      violations: [
        { dimension: 'CPU', limit: 1, used: 0, requested: 2 },
        { dimension: 'RAM', limit: 2, used: 0, requested: 4 },
      ],
    });
    expect(await (await gateway.rest(own, 'GET', `/vms/${vm.id}`)).json()).toMatchObject({
      enabled: false,
      status: 'STOPPED',
    });
  });
});

describe('the REST API with an invalid request', () => {
  it('names every invalid field by its REST name', async () => {
    const body = {
      config: { vmlabel: '', region: { code: 'XX' }, password: 5 },
      os: { distribution: { code: 'ubuntu' }, cpu: '2', ram: 0.5 },
    };
    const response = await gateway.rest(token, 'POST', '/vms/create', { body });
    expect(response.status).toBe(400);
    const answer = (await response.json()) as { code: string; fields: { path: string }[]; error: string };
    expect(answer.code).toBe('BAD_USER_INPUT');
    expect(answer.fields.map(({ path }) => path).toSorted()).toEqual(['config.password', 'os.cpu', 'os.ram']);
    expect(answer.error).not.toContain('$input');
  });

  it('names the fields that do not fit the catalog', async () => {
    const body = {
      config: { vmlabel: '', region: { code: 'XX' }, password: 'x' },
      os: { distribution: { code: 'ubuntu' }, cpu: 0, ram: 1 },
    };
    const answer = (await (await gateway.rest(token, 'POST', '/vms/create', { body })).json()) as {
      fields: { path: string }[];
    };
    expect(answer.fields.map(({ path }) => path).toSorted()).toEqual([
      'config.region.code',
      'config.vmlabel',
      'os.cpu',
      'os.desktop',
    ]);
  });

  it.each([
    ['no body', ''],
    ['half a body', '{"config":'],
    ['an array', '[]'],
    ['a text', '"x"'],
    ['nothing in it', '{}'],
    ['its parts as texts', '{"config":"x","os":"y"}'],
    ['prototype names', '{"__proto__":{"config":1},"constructor":{}}'],
  ])('answers 400 for %s', async (_what, body) => {
    const response = await gateway.rest(token, 'POST', '/vms/create', {
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'BAD_USER_INPUT']);
  });

  it.each([
    [401, 'UNAUTHENTICATED', 'GET', '/vms', { authorization: '' }],
    [401, 'UNAUTHENTICATED', 'GET', '/vms', { authorization: 'Bearer a.b.c' }],
    [404, 'NOT_FOUND', 'GET', '/vms/start/1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f', {}],
    [404, 'NOT_FOUND', 'GET', '/vms/start/not-a-uuid', {}],
    [404, 'NOT_FOUND', 'GET', '/vms/%00', {}],
    [404, 'NOT_FOUND', 'GET', '/nothing', {}],
    [405, 'METHOD_NOT_ALLOWED', 'PUT', '/vms', {}],
    [405, 'METHOD_NOT_ALLOWED', 'GET', '/vms/create', {}],
    [
      405,
      'METHOD_NOT_ALLOWED',
      'GET',
      '/vms/start/1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f',
      { 'sec-purpose': 'prefetch' },
    ],
    [415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', '/vms/secrets', { 'content-type': 'text/plain' }],
  ])('answers %i %s to %s %s', async (status, code, method, path, headers) => {
    const body = method === 'POST' ? '{}' : undefined;
    const response = await gateway.rest(token, method, path, { body, headers });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
    if (status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer');
    if (status === 405) expect(response.headers.get('allow')).toBeTruthy();
  });

  it('changes nothing when a browser follows a link to a GET', async () => {
    const id = await createVm(gateway, token);
    // fetch() writes its own Sec-Fetch-Mode.
    const request = get(`${gateway.url}/vms/delete/${id}`, {
      headers: { authorization: `Bearer ${token}`, 'sec-fetch-mode': 'navigate' },
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect([response.statusCode, response.headers.allow]).toEqual([405, 'DELETE']);
    expect((await gateway.rest(token, 'GET', `/vms/${id}`)).status).toBe(200);
  });

  it('answers with the same bytes for a VM of another account and for no VM', async () => {
    const foreign = await createVm(gateway, await testToken('someone-else'));
    for (const path of ['/vms/', '/vms/start/', '/vms/stop/', '/vms/delete/']) {
      const [theirs, none] = await Promise.all(
        [foreign, '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f'].map((id) => textOf(gateway.rest(token, 'GET', path + id))),
      );
      expect(theirs).toEqual(none);
      expect(theirs?.status).toBe(404);
    }
  });

  it('refuses a body above 256 KiB, with and without Content-Length', async () => {
    const body = JSON.stringify({ vmid: 'x', key: 'K', value: 'v'.repeat(300 * 1024) });
    expect((await gateway.rest(token, 'POST', '/vms/secrets', { body })).status).toBe(413);
    const chunks = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body));
        controller.close();
      },
    });
    const streamed = await fetch(`${gateway.url}/vms/secrets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: chunks,
      duplex: 'half',
    } as RequestInit);
    expect(streamed.status).toBe(413);
  });

  it('creates one VM per idempotency key, and refuses the key for other input', async () => {
    const own = await testToken('retrier');
    const headers = { 'idempotency-key': 'once' };
    const create = (body: object) => gateway.rest(own, 'POST', '/vms/create', { body, headers });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => create(SEED_CREATE).then((response) => response.text())),
    );
    expect(new Set(answers).size).toBe(1);
    expect((await create({ ...SEED_CREATE, os: { ...SEED_CREATE.os, cpu: 1 } })).status).toBe(409);
    expect(((await (await gateway.rest(own, 'GET', '/vms')).json()) as { vms: unknown[] }).vms).toHaveLength(1);
  });
});

it('the REST API refuses a GET that changes state if STRICT_REST is set', async () => {
  await using strict = await startApi({ STRICT_REST: '1' });
  const own = await testToken('strict');
  const id = await createVm(strict, own);
  const refused = await strict.rest(own, 'GET', `/vms/start/${id}`);
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
  expect((await strict.rest(own, 'GET', '/vms')).status).toBe(200);
  expect((await strict.rest(own, 'POST', `/vms/start/${id}`)).status).toBe(200);
});
