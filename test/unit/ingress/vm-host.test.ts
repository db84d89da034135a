import { describe, expect, it } from 'vitest';
import { originForm } from '../../../src/http/request/request-target.ts';
import { matchRequest } from '../../../src/ingress/routing/match-request.ts';
import { parseVmHost, type HostMatch } from '../../../src/ingress/routing/vm-host.ts';

const ID = '0198c2f0-7a4b-7c3d-9e21-5b6f00aa11ff';
const BASE = 'vms.example.com';
const api: HostMatch = { kind: 'api' };
const foreign: HostMatch = { kind: 'foreign' };
const vm = (name?: string): HostMatch => ({ kind: 'vm', vmId: ID, name });
const longest = `a${'-'.repeat(24)}z`;

const TABLE: readonly [host: string | undefined, expected: HostMatch, base?: string][] = [
  ['vms.example.com', api],
  ['VMS.Example.COM:4000', api],
  ['vms.example.com.', api],
  ['localhost', api],
  ['localhost:4000', api],
  ['LOCALHOST.', api],
  ['127.0.0.1', api],
  ['127.0.0.1:4000', api],
  ['10.1.2.3:80', api],
  ['[::1]', api],
  ['[::1]:4000', api],
  ['[::ffff:127.0.0.1]:4000', api],
  ['[2001:DB8::1]', api],
  [`${ID}.${BASE}`, vm()],
  [`${ID}.${BASE}:4000`, vm()],
  [`${ID}.${BASE}.`, vm()],
  [`${ID}.${BASE}.:443`, vm()],
  [`${ID.toUpperCase()}.VMS.EXAMPLE.COM`, vm()],
  [`${ID}.localhost`, vm(), 'localhost'],
  [`${ID}.localhost:4000`, vm(), 'LocalHost.'],
  [`web-${ID}.${BASE}`, vm('web')],
  [`web.${ID}.${BASE}`, vm('web')],
  [`WEB-${ID}.${BASE}`, vm('web')],
  [`my-web-2-${ID}.${BASE}`, vm('my-web-2')],
  [`0-${ID}.${BASE}`, vm('0')],
  [`${longest}-${ID}.${BASE}`, vm(longest)],
  [`${longest}.${ID}.${BASE}`, vm(longest)],
  [`0198c2f0-7a4b-7c3d-9e21-${ID}.${BASE}`, vm('0198c2f0-7a4b-7c3d-9e21')],
  [undefined, foreign],
  ['', foreign],
  ['.', foreign],
  [':80', foreign],
  ['example.com', foreign],
  ['evilvms.example.com', foreign],
  [`vms.example.com.evil.test`, foreign],
  [ID, foreign],
  [`${ID}.localhost`, foreign],
  [`${ID}.127.0.0.1`, foreign],
  [`${ID}.${BASE}..`, foreign],
  [`.${ID}.${BASE}`, foreign],
  [`${ID}..${BASE}`, foreign],
  [`${ID}${BASE}`, foreign],
  [`x.${BASE}`, foreign],
  [`-${ID}.${BASE}`, foreign],
  [`a--${ID}.${BASE}`, foreign],
  [`xn--pple-43d-${ID}.${BASE}`, foreign],
  [`xn--pple-43d.${ID}.${BASE}`, foreign],
  [`-a-${ID}.${BASE}`, foreign],
  [`a${ID}.${BASE}`, foreign],
  [`${'a'.repeat(27)}-${ID}.${BASE}`, foreign],
  [`${'a'.repeat(27)}.${ID}.${BASE}`, foreign],
  [`a.b.${ID}.${BASE}`, foreign],
  [`a.b-${ID}.${BASE}`, foreign],
  [`${ID}.a.${BASE}`, foreign],
  [`a_b-${ID}.${BASE}`, foreign],
  [`${ID.slice(1)}.${BASE}`, foreign],
  [`${ID.replaceAll('-', '')}.${BASE}`, foreign],
  [`g${ID.slice(1)}.${BASE}`, foreign],
  [`\u212Aweb-${ID}.${BASE}`, foreign],
  [`${ID}.vms.e\u0131ample.com`, foreign],
  [`user@${ID}.${BASE}`, foreign],
  [`user:pw@${ID}.${BASE}`, foreign],
  [` ${ID}.${BASE}`, foreign],
  [`${ID}.${BASE} `, foreign],
  [`${ID}.${BASE}, ${BASE}`, foreign],
  [`${ID}.${BASE}:`, foreign],
  [`${ID}.${BASE}:65536`, foreign],
  [`${ID}.${BASE}:123456`, foreign],
  [`${ID}.${BASE}:8o`, foreign],
  [`${ID}.${BASE}:80:80`, foreign],
  [`${ID}.${BASE}/`, foreign],
  [`${ID}.${BASE}#`, foreign],
  [`${ID}.${BASE}\\`, foreign],
  [`${ID}.${BASE}%00`, foreign],
  [`${ID}.${BASE}\n`, foreign],
  [`*.${BASE}`, foreign],
  ['::1', foreign],
  ['[::1', foreign],
  ['[::1]x', foreign],
  ['[fe80::1%eth0]', foreign],
  ['[localhost]', foreign],
  ['127.1', foreign],
  ['0x7f.0.0.1', foreign],
  ['2130706433', foreign],
  ['256.0.0.1', foreign],
];

describe('the Host header', () => {
  it.each(TABLE)('parses %j', (host, expected, base = BASE) => {
    expect(parseVmHost(host, base)).toEqual(expected);
  });
});

describe('matchRequest', () => {
  const host = `${ID}.${BASE}:4000`;
  const match = (url: string, ...rawHeaders: string[]) =>
    matchRequest({ url, rawHeaders }, (host) => parseVmHost(host, BASE));

  it('matches the only Host header', () => {
    expect(match('/a?b', 'X-Host', 'evil.test', 'hOsT', host)).toEqual(vm());
    expect(match('*', 'Host', host)).toEqual(vm());
    expect(match('/')).toEqual(foreign);
    expect(match('/', 'Host', host, 'Host', host)).toEqual(foreign);
    expect(match('/', 'Host', host, 'HOST', BASE)).toEqual(foreign);
  });

  it('treats a request as foreign if its absolute target and its Host header differ', () => {
    expect(match(`http://${host}/a`, 'Host', host)).toEqual(vm());
    expect(match(`HTTPS://${host.toUpperCase()}`, 'Host', host)).toEqual(vm());
    expect(match(`http://${BASE}/a`, 'Host', host)).toEqual(foreign);
    expect(match(`http://user@${host}/a`, 'Host', host)).toEqual(foreign);
    expect(match(`http:/${host}/a`, 'Host', host)).toEqual(foreign);
    expect(match(`ftp://${host}/a`, 'Host', host)).toEqual(foreign);
    expect(match('', 'Host', host)).toEqual(foreign);
  });

  it('forwards the target in origin form', () => {
    expect(originForm('/a//b?c=http://d')).toBe('/a//b?c=http://d');
    expect(originForm('//evil.test/a')).toBe('//evil.test/a');
    expect(originForm(`http://${host}/a?b`)).toBe('/a?b');
    expect(originForm(`http://${host}`)).toBe('/');
    expect(originForm(`http://${host}?b`)).toBe('/?b');
    expect(originForm('*')).toBe('*');
  });
});
