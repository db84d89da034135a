import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answerMisfits } from '../../support/api/openapi-check.ts';
import { readUntil } from '../../support/read-until.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useRest } from '../../support/api/use-rest.ts';
import { createVm } from '../../support/vm/vms.ts';

const NOBODYS = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';

const gateway = useRest({ BASE_DOMAIN: 'swiftor.io', SOCKETS_PER_ACCOUNT: '2' });

let accounts = 0;
const newAccount = (): Promise<string> => testToken(`account-${(accounts += 1)}`);

async function jsonOf(response: Promise<Response>): Promise<unknown> {
  return (await response).json();
}

/** What fetch would hide: the answer as it is sent, with exactly these headers. */
async function exchange(method: string, path: string, headers: Record<string, string>, body?: Buffer) {
  const sent = request(gateway.url + path, { method, headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

describe('a VM whose deletion was accepted', () => {
  it('is in no list, and neither is what it had; by itself it shows that it is being deleted', async () => {
    const token = await newAccount();
    const [kept, deleted] = [await createVm(gateway, token), await createVm(gateway, token)];
    for (const vmid of [kept, deleted])
      await gateway.rest(token, 'POST', '/vms/networking', { body: { vmid, name: 'web', internal_port: 80 } });
    expect(await jsonOf(gateway.rest(token, 'DELETE', `/vms/delete/${deleted}`))).toEqual({
      message: 'VM deleted successfully',
    });
    expect(await jsonOf(gateway.rest(token, 'GET', '/vms'))).toMatchObject({ vms: [{ id: kept }] });
    for (const list of ['secrets', 'networking']) {
      const answer = (await jsonOf(gateway.rest(token, 'GET', `/vms/${list}`))) as Record<string, object>;
      expect(Object.keys(answer[list] ?? {})).toEqual([kept]);
    }
    expect(await jsonOf(gateway.rest(token, 'GET', `/vms/${deleted}`))).toMatchObject({ status: 'DELETING' });
  });
});

describe('what GraphQL can, and the original REST API could not', () => {
  it('changes a label and specs, and names bad ones as they are written', async () => {
    const token = await newAccount();
    const id = await createVm(gateway, token);
    const update = (body: unknown) => gateway.rest(token, 'POST', `/vms/update/${id}`, { body });
    expect(await jsonOf(update({ config: { vmlabel: 'Renamed' }, os: { cpu: 3, ram: 5 } }))).toEqual({
      message: 'VM updated successfully',
      vm: {
        id,
        user_id: expect.stringMatching(/^account-/),
        vmlabel: 'Renamed',
        region: 'AU',
        os: { distribution: 'ubuntu', desktop: 'xfce' },
        specs: { cpu: 3, ram: 5, storage: false },
        enabled: false,
      },
    });
    const refused = await update({ config: { vmlabel: '' }, os: { cpu: 0 } });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { fields: [{ path: 'config.vmlabel' }, { path: 'os.cpu' }] },
    ]);
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    expect((await update({ os: { cpu: 1 } })).status).toBe(409);
  });

  it('restarts a VM, which turns it on', async () => {
    const token = await newAccount();
    const id = await createVm(gateway, token);
    expect(await jsonOf(gateway.rest(token, 'POST', `/vms/restart/${id}`))).toEqual({
      message: 'VM restart process initiated successfully in the background.',
    });
    expect(await jsonOf(gateway.rest(token, 'GET', `/vms/${id}`))).toMatchObject({ enabled: true });
    const byGet = await gateway.rest(token, 'GET', `/vms/restart/${id}`);
    expect([byGet.status, byGet.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('forwards ports, lists and removes them', async () => {
    const token = await newAccount();
    const vmid = await createVm(gateway, token, { distribution: 'steamos', desktop: null });
    const body = { vmid, protocol: 'udp', internal_port: 27_015 };
    const added = await gateway.rest(token, 'POST', '/vms/ports', { body });
    const answer = (await added.json()) as { public_port: number; address: string };
    expect([added.status, answer]).toEqual([
      201,
      {
        message: 'Port forwarded successfully',
        ...body,
        public_port: expect.any(Number),
        address: `swiftor.io:${answer.public_port}`,
      },
    ]);
    const { public_port, address } = answer;
    expect(await jsonOf(gateway.rest(token, 'GET', '/vms/ports'))).toEqual({
      ports: { [vmid]: { 'udp/27015': { protocol: 'udp', internal_port: 27_015, public_port, address } } },
    });
    const bad = await gateway.rest(token, 'POST', '/vms/ports', { body: { vmid, protocol: 'icmp', internal_port: 0 } });
    expect([bad.status, await bad.json()]).toMatchObject([400, { fields: [{ path: 'protocol' }] }]);
    expect(await jsonOf(gateway.rest(token, 'DELETE', `/vms/ports/${vmid}/udp/27015`))).toEqual({
      message: 'Port removed successfully',
      ...body,
    });
    for (const [path, status] of [
      ['udp/27015', 404],
      ['udp/0', 400],
      ['udp/x', 400],
      ['icmp/1', 400],
    ] as const)
      expect([path, (await gateway.rest(token, 'DELETE', `/vms/ports/${vmid}/${path}`)).status]).toEqual([
        path,
        status,
      ]);
  });

  it("makes links that open a VM's own address and its subdomains", async () => {
    const token = await newAccount();
    const vmid = await createVm(gateway, token);
    await gateway.rest(token, 'POST', '/vms/networking', { body: { vmid, name: 'web', internal_port: 80 } });
    for (const [path, host] of [
      [`/vms/open/${vmid}`, `https://${vmid}.swiftor.io/`],
      [`/vms/open/${vmid}/web`, `https://web-${vmid}.swiftor.io/`],
    ] as const) {
      const { url } = (await jsonOf(gateway.rest(token, 'POST', path))) as { url: string };
      expect([path, url.startsWith(host)]).toEqual([path, true]);
    }
    expect((await gateway.rest(token, 'POST', `/vms/open/${vmid}/none`)).status).toBe(404);
  });
});

describe('the event stream of REST', () => {
  const isDocumented = (path: string, response: Response, text: string): void => {
    const type = response.headers.get('content-type') ?? '';
    expect(answerMisfits('GET', path, { status: response.status, type, text })).toEqual([]);
  };
  const kindsOf = (text: string): string[] => [...text.matchAll(/"kind":"(\w+)"/g)].map(([, kind]) => kind ?? '');

  it('begins with the state of each VM, then tells each change, and resumes without a gap', async () => {
    const token = await newAccount();
    const id = await createVm(gateway, token);
    const follow = (path: string, headers = {}) => gateway.rest(token, 'GET', path, { headers });
    const first = await follow('/vms/events');
    const seen = await readUntil(first, (text) => text.includes('SNAPSHOT_END'));
    isDocumented('/vms/events', first, seen);
    const [, seq = ''] = /^id: (\d+)$/m.exec(seen) ?? [];
    expect(JSON.parse(/^data: (.*)$/m.exec(seen)?.[1] ?? '')).toMatchObject({
      seq,
      kind: 'SNAPSHOT',
      vmid: id,
      status: 'STOPPED',
      previous_status: null,
      vm: { id, vmlabel: 'MyWebServer', status: 'STOPPED', url: `https://${id}.swiftor.io` },
    });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    await gateway.rest(token, 'POST', `/vms/stop/${id}`);
    for (const [path, headers] of [
      ['/vms/events', { 'last-event-id': seq }],
      [`/vms/events?after=${seq}`, {}],
      // An EventSource that connects again has the address of the first time.
      ['/vms/events?after=0', { 'last-event-id': seq }],
      [`/vms/events/${id}`, { 'last-event-id': seq }],
    ] as const) {
      const resumed = await follow(path, headers);
      const text = await readUntil(resumed, (each) => each.includes('REPLAY_END'));
      isDocumented(path, resumed, text);
      expect([path, [...text.matchAll(/^id: (\d+)$/gm)].map(([, each]) => Number(each) - Number(seq))]).toEqual([
        path,
        [1, 2, 2],
      ]);
      expect(kindsOf(text)).toEqual(['CHANGED', 'CHANGED', 'REPLAY_END']);
    }
  });

  it('of a VM that is gone is 404, and 204 for an EventSource that connects again', async () => {
    const token = await newAccount();
    for (const path of ['events', 'logs', 'stats'].map((each) => `/vms/${each}/${NOBODYS}`)) {
      expect([path, (await gateway.rest(token, 'GET', path)).status]).toEqual([path, 404]);
      const again = await gateway.rest(token, 'GET', path, {
        headers: { 'last-event-id': path.includes('logs') ? '1-1' : '1' },
      });
      expect([path, again.status]).toEqual([path, 204]);
    }
  });

  it('names what is wrong with its query, and is no stream then', async () => {
    const token = await newAccount();
    const id = await createVm(gateway, token);
    for (const [path, field] of [
      ['/vms/events?after=x', 'after'],
      [`/vms/logs/${id}?tail=1001`, 'tail'],
      [`/vms/logs/${id}?tail=many`, 'tail'],
      [`/vms/logs/${id}?after=42`, 'after'],
    ]) {
      const refused = await gateway.rest(token, 'GET', path ?? '');
      expect([refused.status, await refused.json()]).toMatchObject([400, { fields: [{ path: field }] }]);
    }
  });

  it('is a live connection of its account, and ends with its token', async () => {
    const token = await testToken('crowded', { ttlSeconds: 2 });
    const path = '/vms/events';
    const streams = [await gateway.rest(token, 'GET', path), await gateway.rest(token, 'GET', path)];
    const third = await gateway.rest(token, 'GET', path);
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await gateway.rest(token, 'HEAD', path)).status).toBe(200);
    const texts = await Promise.all(streams.map((each) => each.text()));
    expect(texts.map(kindsOf)).toEqual([['SNAPSHOT_END'], ['SNAPSHOT_END']]);
  });
});

describe('HTTP', () => {
  it('HEAD is as GET without a body, and changes nothing', async () => {
    const token = await newAccount();
    const id = await createVm(gateway, token);
    for (const path of ['/vms', `/vms/${id}`, '/vms/secrets', '/vms/ports', '/openapi.json', '/vms/nothing']) {
      const [get, head] = [await gateway.rest(token, 'GET', path), await gateway.rest(token, 'HEAD', path)];
      const headersOf = ({ headers }: Response) =>
        ['content-type', 'content-length', 'cache-control'].map((name) => headers.get(name));
      expect([path, head.status, headersOf(head), await head.text()]).toEqual([path, get.status, headersOf(get), '']);
    }
    const deletion = await gateway.rest(token, 'HEAD', `/vms/delete/${id}`);
    expect([deletion.status, deletion.headers.get('allow')]).toEqual([405, 'GET, DELETE']);
    expect(await jsonOf(gateway.rest(token, 'GET', `/vms/${id}`))).toMatchObject({ status: 'STOPPED' });
    expect((await gateway.rest(token, 'PUT', '/vms')).headers.get('allow')).toBe('GET, HEAD');
    expect((await gateway.rest(token, 'POST', '/openapi.json', { body: {} })).headers.get('allow')).toBe('GET, HEAD');
  });

  it('a slash at the end of a path makes no difference', async () => {
    const token = await newAccount();
    const id = await createVm(gateway, token);
    for (const path of ['/vms', `/vms/${id}`, '/vms/secrets', '/openapi.json']) {
      const [without, with_] = [
        await gateway.rest(token, 'GET', path),
        await gateway.rest(token, 'GET', `${path}/?a=b`),
      ];
      expect([path, with_.status, await with_.text()]).toEqual([path, 200, await without.text()]);
    }
    expect((await gateway.rest(token, 'GET', '/vms//')).status).toBe(404);
  });

  it('a compressed body is refused, with what is taken instead', async () => {
    const headers = { authorization: `Bearer ${await newAccount()}`, 'content-type': 'application/json' };
    const body = gzipSync('{"query":"{ me { userId } }"}');
    for (const path of ['/vms/secrets', '/graphql']) {
      const refused = await exchange('POST', path, { ...headers, 'content-encoding': 'gzip' }, body);
      expect([refused.status, refused.headers['accept-encoding'], refused.headers['accept-post']]).toEqual([
        415,
        'identity',
        'application/json',
      ]);
      expect(refused.body.toString()).toContain('UNSUPPORTED_MEDIA_TYPE');
    }
  });

  it('long answers are compressed for clients that accept it, and short ones are not', async () => {
    const token = await newAccount();
    const authorization = `Bearer ${token}`;
    const ids = await Promise.all(Array.from({ length: 10 }, () => createVm(gateway, token)));
    for (const path of ['/vms', '/graphql?query={vms{nodes{id url os{distribution}specs{cpu}}}}', '/metrics']) {
      const target = path.replaceAll(' ', '%20');
      const plain = await exchange('GET', target, { authorization });
      expect([path, plain.headers['content-encoding'], plain.headers.vary]).toEqual([
        path,
        undefined,
        expect.stringContaining('accept-encoding'),
      ]);
      const packed = await exchange('GET', target, { authorization, 'accept-encoding': 'br, gzip' });
      expect([path, packed.headers['content-encoding']]).toEqual([path, 'gzip']);
      expect(packed.headers['content-length']).toBe(String(packed.body.length));
      expect(packed.headers['content-type']).toBe(plain.headers['content-type']);
      expect(packed.body.length).toBeLessThan(plain.body.length / 2);
      // The metrics of the two requests differ.
      if (path !== '/metrics') expect(gunzipSync(packed.body)).toEqual(plain.body);
      const refused = await exchange('GET', target, { authorization, 'accept-encoding': 'gzip;q=0, identity' });
      expect([path, refused.headers['content-encoding']]).toEqual([path, undefined]);
    }
    const short = await exchange('GET', `/vms/${ids[0]}`, { authorization, 'accept-encoding': 'gzip' });
    expect([short.headers['content-encoding'], short.headers.vary]).toEqual([undefined, 'Origin']);
    const head = await exchange('HEAD', '/vms', { authorization, 'accept-encoding': 'gzip' });
    expect([head.headers['content-encoding'], head.body.length]).toEqual(['gzip', 0]);
  });

  it('a GET that changes state says that it is deprecated, and the other methods do not', async () => {
    const token = await newAccount();
    const id = await createVm(gateway, token);
    for (const action of ['start', 'stop', 'delete']) {
      const { headers } = await gateway.rest(token, 'GET', `/vms/${action}/${id}`);
      expect([action, headers.get('deprecation'), headers.get('link')]).toEqual([
        action,
        expect.stringMatching(/^@\d{10}$/),
        '</openapi.json>; rel="deprecation"; type="application/json"',
      ]);
      const method = action === 'delete' ? 'DELETE' : 'POST';
      const other = await gateway.rest(token, method, `/vms/${action}/${id}`);
      expect([action, other.headers.get('deprecation')]).toEqual([action, null]);
    }
    expect((await gateway.rest(token, 'GET', '/vms')).headers.get('deprecation')).toBeNull();
  });
});
