import { describe, expect, it } from 'vitest';
import { responseHeaders } from '../../../src/ingress/headers/response-headers.ts';

const VM = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const HOST = `${VM}.vms.test`;

/** What a client gets of one header of an app; undefined if nothing. */
function forwarded(name: string, value: string, { host = HOST, isPrivate = false } = {}): string | undefined {
  return valuesOf(responseHeaders([name, value], { host, vmId: VM, appPort: 3000, isPrivate }), name)[0];
}

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name.toLowerCase());
}

describe("an app's cookie", () => {
  it.each([
    ['a=1', HOST],
    ['a=1; Path=/; HttpOnly', HOST],
    [`a=1; Domain=${HOST}`, HOST],
    [`a=1; domain=.${HOST.toUpperCase()}; Secure`, `${HOST}:4000`],
    ['a=1; Domain=', HOST],
    [`a=1; Domain=${HOST}`, `web.${HOST}`],
    [`a=1; Domain=web-${HOST}`, `web-${HOST}.`],
    ['a=domain=vms.test', HOST],
  ])('reaches the browser if only addresses of the VM get it: %s at %s', (cookie, host) => {
    expect(forwarded('Set-Cookie', cookie, { host })).toBe(cookie);
  });

  it.each([
    'a=1; Domain=vms.test',
    'a=1; domain = .VMS.test ; Path=/',
    'a=1;Domain=test',
    `a=1; Domain=vms.test; Domain=${HOST}`,
    'a=1; Domain="vms.test"',
    'a=1; Domain=web.vms.test',
    `a=1; Domain=2${HOST}`,
  ])('is dropped if it is for a wider domain: %s', (cookie) => {
    expect(forwarded('Set-Cookie', cookie)).toBeUndefined();
  });
});

it('the coding of a body keeps its label, even if Connection names it', () => {
  const answered = { host: HOST, vmId: VM, appPort: 3000, isPrivate: false };
  const sent = ['Connection', 'content-encoding, x-hop', 'X-Hop', '1', 'Content-Encoding', 'gzip'];
  expect(responseHeaders(sent, answered)).toEqual(['Content-Encoding', 'gzip']);
});

describe("an app's redirect", () => {
  const at = `${HOST}:4000`;
  it.each([
    [`http://${HOST}:3000/dir/`, '/dir/'],
    [`http://${HOST.toUpperCase()}:3000/dir/?a=%2F#b`, '/dir/?a=%2F#b'],
    [`http://${HOST}:3000`, '/'],
    [`http://${HOST}:3000?a=1`, '/?a=1'],
    [`http://${HOST}:3000//dir/`, `//${at}//dir/`],
    [`http://${HOST}:3001/dir/`, `http://${HOST}:3001/dir/`],
    [`http://${HOST}:4000/dir/`, `http://${HOST}:4000/dir/`],
    [`http://${HOST}/dir/`, `http://${HOST}/dir/`],
    ['http://other.test:3000/dir/', 'http://other.test:3000/dir/'],
    [`http://${HOST}@evil.test:3000/`, `http://${HOST}@evil.test:3000/`],
    ['/dir/', '/dir/'],
    ['dir/', 'dir/'],
    ['//other.test/', '//other.test/'],
    ['', ''],
  ])('to its own port leads to its public address: %s to %s', (location, expected) => {
    expect(forwarded('Location', location, { host: at })).toBe(expected);
  });

  it('to its port 80 without a port does, too', () => {
    const answered = { host: `${HOST}:4000`, vmId: VM, appPort: 80, isPrivate: false };
    expect(responseHeaders(['Location', `http://${HOST}/dir/`], answered)).toEqual(['Location', '/dir/']);
  });
});

describe("an app's Clear-Site-Data", () => {
  it.each([
    ['"cache", "storage"', '"cache", "storage"'],
    ['"cookies"', undefined],
    ['"cache","cookies" , "storage"', '"cache", "storage"'],
    ['"*"', '"cache", "storage"'],
    ['"cook\\ies"', undefined],
    ['"executionContexts"', '"executionContexts"'],
  ])('clears no cookies, which siblings share: %s', (sent, kept) => {
    expect(forwarded('Clear-Site-Data', sent)).toBe(kept);
  });
});

describe('a private response', () => {
  const cacheControl = (value: string) => forwarded('cache-control', value, { isPrivate: true });

  it.each([
    ['max-age=60', 'private, max-age=60'],
    ['public, max-age=60, s-maxage=600', 'private, max-age=60'],
    ['Public', 'private'],
    ['private', 'private'],
    ['no-store', 'private, no-store'],
    ['private="set-cookie, x", max-age=1', 'private, max-age=1'],
    ['no-cache="a, public", immutable', 'private, no-cache="a, public", immutable'],
    ['', 'private'],
  ])('is for the browser alone: %s becomes %s', (sent, kept) => expect(cacheControl(sent)).toBe(kept));

  it('says so where the app says nothing, or says it in two lines', () => {
    const answered = { host: HOST, vmId: VM, appPort: 3000, isPrivate: true };
    expect(valuesOf(responseHeaders([], answered), 'cache-control')).toEqual(['private']);
    const twice = ['Cache-Control', 'public', 'cache-control', 's-maxage=9, max-age=1'];
    expect(valuesOf(responseHeaders(twice, answered), 'cache-control')).toEqual(['private, max-age=1']);
  });

  it.each(['Surrogate-Control', 'CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control', 'X-Accel-Expires'])(
    'has no word for shared caches: %s',
    (name) => {
      expect(forwarded(name, 'max-age=60', { isPrivate: true })).toBeUndefined();
      expect(forwarded(name, 'max-age=60')).toBe('max-age=60');
    },
  );

  it.each([
    [[], true],
    [['Content-Security-Policy', "default-src 'self'"], true],
    [['Content-Security-Policy-Report-Only', 'frame-ancestors *'], true],
    [['X-Frame-Options', 'ALLOW-FROM https://a.test'], true],
    [['X-Frame-Options', 'SameOrigin'], false],
    [['x-frame-options', 'DENY'], false],
    [['Content-Security-Policy', "default-src *; Frame-Ancestors 'none'"], false],
    [['Content-Security-Policy', 'default-src *', 'Content-Security-Policy', 'frame-ancestors https://a.test'], false],
  ])('cannot be framed by others unless the app decides: %j', (sent, isAdded) => {
    const policies = valuesOf(
      responseHeaders(sent, { host: HOST, vmId: VM, appPort: 3000, isPrivate: true }),
      'content-security-policy',
    );
    expect(policies.includes("frame-ancestors 'self'")).toBe(isAdded);
    expect(policies.slice(0, isAdded ? -1 : undefined)).toEqual(valuesOf(sent, 'content-security-policy'));
  });

  it('is not added to a public one, which is forwarded as the app sent it', () => {
    const sent = ['Cache-Control', 'public, s-maxage=9'];
    expect(responseHeaders(sent, { host: HOST, vmId: VM, appPort: 3000, isPrivate: false })).toEqual(sent);
  });
});
