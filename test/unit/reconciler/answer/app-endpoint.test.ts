import { beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog, type Catalog } from '../../../../src/catalog/catalog.ts';
import { dialTcp } from '../../../../src/lib/dial-tcp.ts';
import { appEndpoint } from '../../../../src/reconciler/answer/app-endpoint.ts';

let catalog: Catalog;
beforeAll(async () => {
  catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
});

/** The endpoint of a VM whose container was made from that image. */
function endpointOf(
  code: string,
  desktop: string | null,
  reference: string,
  env: Readonly<Record<string, string>> = {},
) {
  const observed = { address: '10.0.0.2', image: { reference, id: 'sha256:1' } };
  return appEndpoint({
    distribution: catalog.distributions.get(code),
    desktop,
    spec: { env },
    observed,
    dial: dialTcp,
  });
}

describe('the endpoint of an app', () => {
  it('does not exist without an address or a catalog entry', () => {
    const distribution = catalog.distributions.get('debian');
    expect(
      appEndpoint({ distribution, desktop: 'xfce', spec: { env: {} }, observed: {}, dial: dialTcp }),
    ).toBeUndefined();
    expect(
      appEndpoint({ distribution, desktop: 'xfce', spec: { env: {} }, observed: undefined, dial: dialTcp }),
    ).toBeUndefined();
    expect(endpointOf('gone', null, 'any')).toBeUndefined();
  });

  it.each([
    ['ubuntu', 'xfce', 'lscr.io/linuxserver/webtop:ubuntu-xfce'],
    ['debian', 'xfce', 'lscr.io/linuxserver/webtop:debian-xfce'],
    ['fedora', 'kde', 'lscr.io/linuxserver/webtop:fedora-kde'],
    ['kali', null, 'lscr.io/linuxserver/kali-linux:latest'],
    ['blender', null, 'lscr.io/linuxserver/blender:latest'],
    ['krita', null, 'lscr.io/linuxserver/krita:latest'],
  ])("of %s (%s) is the WebSocket of its desktop, with the VM's credentials", (code, desktop, reference) => {
    expect(endpointOf(code, desktop, reference, { PASSWORD: 'a secret' })).toMatchObject({
      port: 3000,
      probe: { path: ['/websocket', '/api/websockets'], expect: 'websocket' },
      credentials: 'abc:a secret',
    });
  });

  it('of steamos is the page behind the sign-in', () => {
    const endpoint = endpointOf('steamos', null, 'lscr.io/linuxserver/steamos:latest', { PASSWORD: 'a secret' });
    expect(endpoint).toMatchObject({ probe: { path: '/', expect: 'answer' }, credentials: 'abc:a secret' });
  });

  it.each([
    ['debian', 'xfce', 'local/webtop:debian-xfce'],
    ['debian', 'kde', 'local/webtop:debian-kde'],
    ['blender', null, 'local/blender:latest'],
    ['krita', null, 'local/krita:latest'],
  ])('of a stand-in for %s (%s) is the page that answers 5xx until its desktop is up', (code, desktop, reference) => {
    expect(endpointOf(code, desktop, reference, { PASSWORD: 'a secret' })).toMatchObject({
      probe: { path: '/', expect: 'answer' },
      credentials: undefined,
    });
  });

  it('of a stand-in that the catalog no longer names is that page, too', () => {
    const image = { reference: 'local/kali:1', id: 'sha256:1', standInFor: 'lscr.io/linuxserver/kali-linux:latest' };
    const observed = { address: '10.0.0.2', image };
    const endpoint = appEndpoint({
      dial: dialTcp,
      distribution: catalog.distributions.get('kali'),
      desktop: null,
      spec: { env: {} },
      observed,
    });
    expect(endpoint?.probe).toMatchObject({ path: '/', expect: 'answer' });
  });

  it.each([
    ['code-server', 8443, 'http'],
    ['emulatorjs', 80, 'http'],
    ['phpmyadmin', 80, 'http'],
    ['minecraft', 8443, 'https'],
  ])('of %s is its page', (code, port, scheme) => {
    const endpoint = endpointOf(code, null, 'any', { PASSWORD: 'a secret', USER_PASSWORD: 'a secret' });
    expect(endpoint).toMatchObject({ port, scheme, probe: { path: '/', expect: 'answer' }, credentials: undefined });
  });

  it('has the user of the catalog entry, and no credentials if the VM has no password', () => {
    const reference = 'lscr.io/linuxserver/kali-linux:latest';
    expect(endpointOf('kali', null, reference, { PASSWORD: 'a secret', CUSTOM_USER: 'root' })?.credentials).toBe(
      'root:a secret',
    );
    expect(endpointOf('kali', null, reference)?.credentials).toBeUndefined();
  });
});
