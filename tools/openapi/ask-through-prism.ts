import { PrepareFailure } from '../../scripts/prepare/report.js';

interface Tokens {
  readonly engineer: string;
  /** Of an account whose plan allows little. */
  readonly core: string;
}

interface Ask {
  readonly status: number;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const NOBODYS = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const createOf = (code: string, desktop: string | null): object => ({
  config: { vmlabel: 'OpenAPI', region: { code: 'AU' }, password: 'secret', storageType: 'persistent' },
  os: { distribution: { code }, desktop, cpu: 2, ram: 4 },
});

/**
 * Sends valid requests to every operation that ends, and some that are refused; resolves to their number. Rejects with
 * the first answer that is not the expected one, or that the proxy finds different from the document.
 */
export async function askThroughPrism(url: string, tokens: Tokens): Promise<number> {
  let asked = 0;
  const ask = async ({ status, method, path, body, token = tokens.engineer, headers }: Ask): Promise<string> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const violations = response.headers.get('sl-violations');
    if (response.status !== status || violations !== null)
      throw new PrepareFailure(`${method} ${path} through Prism: ${response.status} ${text}\n${violations ?? ''}`);
    asked += 1;
    return text;
  };
  const create = async (token: string): Promise<string> => {
    const text = await ask({
      status: 201,
      method: 'POST',
      path: '/vms/create',
      body: createOf('steamos', null),
      token,
    });
    return (JSON.parse(text) as { vm: { id: string } }).vm.id;
  };
  const vmid = await create(tokens.engineer);
  for (const each of [...requestsOf(vmid), ...refusalsOf(vmid, await create(tokens.core), tokens)]) await ask(each);
  return asked;
}

function requestsOf(vmid: string): Ask[] {
  const key = 'API_KEY';
  return [
    { status: 200, method: 'GET', path: '/vms' },
    { status: 200, method: 'GET', path: `/vms/${vmid}` },
    { status: 200, method: 'POST', path: `/vms/update/${vmid}`, body: { config: { vmlabel: 'x' }, os: { cpu: 1 } } },
    { status: 200, method: 'POST', path: '/vms/secrets', body: { vmid, key, value: 'x' } },
    { status: 200, method: 'GET', path: '/vms/secrets' },
    { status: 200, method: 'DELETE', path: `/vms/secrets/${vmid}/${key}` },
    { status: 201, method: 'POST', path: '/vms/networking', body: { vmid, name: 'web', internal_port: 80 } },
    { status: 200, method: 'GET', path: '/vms/networking' },
    { status: 201, method: 'POST', path: `/vms/open/${vmid}` },
    { status: 201, method: 'POST', path: `/vms/open/${vmid}/web` },
    { status: 200, method: 'DELETE', path: `/vms/networking/${vmid}/web` },
    { status: 201, method: 'POST', path: '/vms/ports', body: { vmid, protocol: 'udp', internal_port: 27015 } },
    { status: 200, method: 'GET', path: '/vms/ports' },
    { status: 200, method: 'DELETE', path: `/vms/ports/${vmid}/udp/27015` },
    ...['GET', 'POST'].flatMap((method) =>
      ['start', 'stop'].map((action) => ({ status: 200, method, path: `/vms/${action}/${vmid}` })),
    ),
    { status: 200, method: 'POST', path: `/vms/restart/${vmid}` },
  ];
}

function refusalsOf(vmid: string, tooLarge: string, { core }: Tokens): Ask[] {
  const body = createOf('ubuntu', 'xfce');
  const headers = { 'idempotency-key': 'once' };
  return [
    { status: 400, method: 'POST', path: '/vms/create', body: createOf('ubuntu', null) },
    { status: 201, method: 'POST', path: '/vms/create', body, headers },
    { status: 409, method: 'POST', path: '/vms/create', body: createOf('krita', null), headers },
    { status: 400, method: 'POST', path: `/vms/start/${tooLarge}`, token: core },
    { status: 401, method: 'GET', path: '/vms', token: 'a.b.c' },
    ...['start', 'stop', 'restart', 'open'].map((action) => ({
      status: 404,
      method: 'POST',
      path: `/vms/${action}/${NOBODYS}`,
    })),
    ...['events', 'logs', 'stats'].map((stream) => ({ status: 404, method: 'GET', path: `/vms/${stream}/${NOBODYS}` })),
    { status: 204, method: 'GET', path: `/vms/events/${NOBODYS}`, headers: { 'last-event-id': '1' } },
    { status: 200, method: 'DELETE', path: `/vms/delete/${vmid}` },
    { status: 200, method: 'GET', path: `/vms/delete/${vmid}` },
    { status: 200, method: 'GET', path: `/vms/${vmid}` },
  ];
}
