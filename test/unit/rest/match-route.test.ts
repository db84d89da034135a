import { describe, expect, it } from 'vitest';
import { distributionSchema, type DistributionInput } from '../../../src/catalog/distribution-schema.ts';
import { toDistribution } from '../../../src/catalog/distribution.ts';
import { endpointKey, findEndpoint, matchRoute, type AppRoute } from '../../../src/ingress/routing/match-route.ts';
import type { Vm } from '../../../src/vm/vm.ts';

const entry = toDistribution(
  distributionSchema.parse({
    code: 'x',
    name: 'X',
    image: 'x:1',
    defaultPort: 8443,
    scheme: 'https',
    routes: [
      { path: '/manage', port: 3000, protocol: 'http' },
      { path: '/secure', port: 3001, protocol: 'http', scheme: 'https', prefix: 'stripped' },
      { path: '/game', port: 25565, protocol: 'tcp' },
    ],
  } satisfies DistributionInput),
);
const mappings = [
  { vmId: 'v', name: 'open', internalPort: 8443, visibility: 'PUBLIC' },
  { vmId: 'v', name: 'shut', internalPort: 80, visibility: 'PRIVATE' },
] as const;
const vm = { mappings, status: 'RUNNING', engineRef: 'ref', address: '172.18.0.9' } as unknown as Vm;
const route = (name: string | undefined, path: string) => matchRoute(vm, entry, name, path);

describe('matchRoute', () => {
  it.each<[name: string | undefined, path: string, expected: Partial<AppRoute> | undefined]>([
    [undefined, '/', { key: '', port: 8443, scheme: 'https', isPublic: false }],
    [undefined, '/manage', { key: '/manage', port: 3000, scheme: 'http', isPublic: false, strip: undefined }],
    [undefined, '/manage/a/b', { key: '/manage', port: 3000 }],
    [undefined, '/manager', { key: '', port: 8443 }],
    [undefined, '/Manage', { key: '', port: 8443 }],
    [undefined, '//manage', { key: '', port: 8443 }],
    [undefined, '/a/manage', { key: '', port: 8443 }],
    [undefined, '/secure/', { key: '/secure', port: 3001, scheme: 'https', strip: '/secure' }],
    [undefined, '/game', { key: '/game', protocol: 'tcp', port: 25565 }],
    ['open', '/manage/', { key: 'open', port: 8443, scheme: 'https', isPublic: true }],
    ['shut', '/', { key: 'shut', port: 80, scheme: 'http', isPublic: false }],
    ['none', '/', undefined],
  ])('matches the mapping %s at the path %s', (name, path, expected) => {
    if (expected === undefined) expect(route(name, path)).toBeUndefined();
    else expect(route(name, path)).toMatchObject(expected);
  });

  it('matches only mappings if the catalog no longer has the image', () => {
    expect(matchRoute(vm, undefined, undefined, '/')).toBeUndefined();
    expect(matchRoute(vm, undefined, 'open', '/')).toMatchObject({ port: 8443, scheme: 'http' });
  });
});

describe('findEndpoint', () => {
  it('returns an endpoint while the VM is up and its container and address are known', () => {
    const own = route(undefined, '/');
    expect(findEndpoint(vm, own)).toMatchObject({ ref: 'ref', host: '172.18.0.9', port: 8443 });
    expect(findEndpoint({ ...vm, status: 'DEGRADED' }, own)).toBeDefined();
    for (const other of [
      { status: 'BOOTING' },
      { status: 'STOPPING' },
      { engineRef: null },
      { address: null },
    ] as const) {
      expect(findEndpoint({ ...vm, ...other }, own)).toBeUndefined();
    }
    expect(findEndpoint(vm, undefined)).toBeUndefined();
  });

  it('gives endpoints that differ in any property different keys', () => {
    const endpoint = findEndpoint(vm, route('open', '/'));
    if (endpoint === undefined) throw new Error('There is an endpoint.');
    const others = [
      { ref: 'x' },
      { node: 'n1' },
      { host: '10.0.0.1' },
      { port: 1 },
      { scheme: 'http' },
      { isPublic: false },
      { strip: '/x' },
    ] as const;
    const keys = new Set([
      endpointKey(endpoint),
      endpointKey(undefined),
      ...others.map((other) => endpointKey({ ...endpoint, ...other })),
    ]);
    expect(keys.size).toBe(others.length + 2);
  });
});
