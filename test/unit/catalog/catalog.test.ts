import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog, type Catalog, type CatalogOptions } from '../../../src/catalog/catalog.ts';
import { imageOf, localImageOf } from '../../../src/catalog/distribution.ts';

let dir: string;
let builtIn: Catalog;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'catalog-'));
  builtIn = await load();
});
afterAll(() => rm(dir, { recursive: true }));

function load(options: Partial<CatalogOptions> = {}): Promise<Catalog> {
  return loadCatalog({ defaultPlan: 'core', regions: ['AU', 'US'], ...options });
}
let files = 0;
async function fileWith(content: unknown): Promise<string> {
  files += 1;
  const file = path.join(dir, `file-${files}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}
async function withDistributions(...distributions: readonly object[]): Promise<Catalog> {
  return load({ catalogFile: await fileWith({ distributions }) });
}
function entry(catalog: Catalog, code: string) {
  const found = catalog.distributions.get(code);
  if (found === undefined) throw new Error(`There is no distribution "${code}".`);
  return found;
}

describe('the built-in catalog', () => {
  const DESKTOPS = ['xfce', 'kde', 'mate', 'i3'];
  const CONFIG = { primary: '/config' };

  it.each([
    { code: 'ubuntu', desktops: DESKTOPS, port: 3000, volumes: CONFIG, signIn: ['PASSWORD'] },
    { code: 'debian', desktops: DESKTOPS, port: 3000, volumes: CONFIG, signIn: ['PASSWORD'] },
    { code: 'fedora', desktops: DESKTOPS, port: 3000, volumes: CONFIG, signIn: ['PASSWORD'] },
    { code: 'kali', port: 3000, volumes: CONFIG, signIn: ['PASSWORD'] },
    { code: 'blender', port: 3000, volumes: CONFIG, signIn: ['PASSWORD'] },
    { code: 'krita', port: 3000, volumes: CONFIG, signIn: ['PASSWORD'] },
    { code: 'steamos', port: 3000, volumes: CONFIG, signIn: ['PASSWORD'], forwards: true },
    { code: 'phpmyadmin', port: 80, volumes: CONFIG, signIn: [] },
    {
      code: 'code-server',
      port: 8443,
      volumes: { primary: '/config', workspace: '/config/workspace' },
      signIn: ['PASSWORD', 'SUDO_PASSWORD'],
    },
    {
      code: 'emulatorjs',
      port: 80,
      volumes: { primary: '/config', data: '/data' },
      signIn: [],
      routes: [{ path: '/manage', port: 3000, protocol: 'http' }],
    },
    {
      code: 'minecraft',
      port: 8443,
      scheme: 'https',
      volumes: { primary: '/var/games/minecraft' },
      signIn: ['USER_PASSWORD'],
      routes: [{ path: '/minecraft', port: 25565, protocol: 'tcp' }],
      grace: 600,
    },
  ])('has $code as the seed and its image have it', ({ code, desktops, port, volumes, signIn, routes, ...rest }) => {
    const found = entry(builtIn, code);
    expect(found).toMatchObject({
      code,
      kind: desktops === undefined ? 'PREMADE' : 'WEBTOP',
      desktops: desktops ?? [],
      defaultPort: port,
      scheme: 'scheme' in rest ? rest.scheme : 'http',
      passwordVariables: signIn,
      routes: routes ?? [],
      portForwarding: 'forwards' in rest,
      stopGraceSeconds: 'grace' in rest ? rest.grace : 10,
    });
    expect(Object.fromEntries(found.volumes.map(({ name, path: target }) => [name, target]))).toEqual(volumes);
    for (const desktop of desktops ?? [null]) expect(imageOf(found, desktop)).toMatch(/^[a-z].*\/.+:.+/);
    expect(found.description).not.toBe('');
  });

  it('has exactly the eleven distributions of its specification', () => {
    expect([...builtIn.distributions.keys()].toSorted()).toEqual([
      'blender',
      'code-server',
      'debian',
      'emulatorjs',
      'fedora',
      'kali',
      'krita',
      'minecraft',
      'phpmyadmin',
      'steamos',
      'ubuntu',
    ]);
  });

  it('names the successor of each deprecated image', () => {
    const deprecated = [...builtIn.distributions.values()].filter((each) => each.deprecated !== undefined);
    expect(Object.fromEntries(deprecated.map(({ code, deprecated: why }) => [code, why]))).toEqual({
      emulatorjs: expect.stringMatching(/successor.*$/),
      steamos: expect.stringMatching(/successor is lscr\.io\/linuxserver\/steam\./),
    });
    expect(entry(builtIn, 'emulatorjs').deprecated).toMatch(/romm/);
  });

  it('gives desktops the shared memory that browsers need, and lets users of phpMyAdmin choose a server', () => {
    for (const code of ['ubuntu', 'kali', 'blender', 'krita', 'steamos']) expect(entry(builtIn, code).shmMb).toBe(1024);
    expect(entry(builtIn, 'phpmyadmin').env).toHaveProperty('PMA_ARBITRARY', '1');
  });

  it('allows extra devices and system calls for steamos only, and lists its other ports', () => {
    const all = [...builtIn.distributions.values()];
    expect(
      all.filter(({ devices, seccomp }) => devices.length > 0 || seccomp !== 'default').map(({ code }) => code),
    ).toEqual(['steamos']);
    expect(entry(builtIn, 'steamos').devices).toEqual(['/dev/dri']);
    expect(all.filter(({ ports }) => ports.length > 0).map(({ code }) => code)).toEqual(['steamos', 'minecraft']);
    for (const { from, to } of all.flatMap(({ ports }) => ports)) expect(from).toBeLessThanOrEqual(to);
    for (const protocol of ['tcp', 'udp'])
      expect(entry(builtIn, 'minecraft').ports).toContainEqual({ from: 25565, to: 25570, protocol });
  });

  it('has images for its own desktops only', () => {
    expect(imageOf(entry(builtIn, 'debian'), 'kde')).toBe('lscr.io/linuxserver/webtop:debian-kde');
    expect(imageOf(entry(builtIn, 'debian'), 'gnome')).toBeUndefined();
    expect(imageOf(entry(builtIn, 'debian'), 'toString')).toBeUndefined();
    expect(imageOf(entry(builtIn, 'debian'), null)).toBeUndefined();
    expect(imageOf(entry(builtIn, 'krita'), null)).toBe('lscr.io/linuxserver/krita:latest');
  });

  it("has the seed's plans, and the regions that it was given", () => {
    expect([...builtIn.plans.values()]).toEqual([
      { code: 'core', name: 'Core', cpu: 1, ram: 2, storageGb: 2, concurrentVms: 1, vms: 50 },
      { code: 'hacker', name: 'Hacker', cpu: 4, ram: 8, storageGb: 30, concurrentVms: 3, vms: 100 },
      { code: 'engineer', name: 'Engineer', cpu: 8, ram: 16, storageGb: 150, concurrentVms: 6, vms: 250 },
    ]);
    expect([...builtIn.regions.values()]).toEqual([
      { code: 'AU', name: 'Australia' },
      { code: 'US', name: 'United States' },
    ]);
  });

  it('has a reason for each exception, and grants no capability over the network that VMs share', () => {
    for (const { exceptions, capabilities } of builtIn.distributions.values()) {
      expect(exceptions.map(({ check }) => check)).toEqual(expect.arrayContaining(['5.13', '5.27']));
      expect(capabilities).not.toEqual(expect.arrayContaining(['NET_ADMIN']));
    }
    expect(entry(builtIn, 'steamos').exceptions.map(({ check }) => check)).toEqual(['5.13', '5.27', '5.18', '5.22']);
  });

  it('names an unknown region by its code', async () => {
    const { regions } = await load({ regions: ['LAB-1'] });
    expect([...regions.values()]).toEqual([{ code: 'LAB-1', name: 'LAB-1' }]);
  });
});

describe('the file of the operator', () => {
  it.each([
    [{ capabilities: ['NET_ADMIN'] }, /capabilities/],
    [{ capabilities: ['NET_RAW'] }, /capabilities/],
    [{ devices: ['/dev/dri'] }, /reason for its exception from check 5\.18/],
    [{ seccomp: 'unconfined' }, /reason for its exception from check 5\.22/],
    [{ noNewPrivileges: false }, /reason for its exception from check 5\.26/],
    [{ exceptions: [{ check: '5.22', reason: 'It says so itself.' }] }, /check 5\.22, which the entry passes/],
    [{ probe: { path: 'websocket' } }, /probe\.path: must be a path/],
    [{ probe: { path: 5 } }, /probe\.path: must be a path .* or a list/],
    [{ probe: { path: [] } }, /probe\.path: /],
    [{ probe: { path: ['/a', '/b c'] } }, /probe\.path\.1: must be a path/],
    [{ probe: { signIn: 'form' } }, /probe\.signIn/],
    [{ probe: { expect: 200 } }, /probe\.expect/],
    [{ probe: { port: 80 } }, /probe: .*port/],
    [{ passwordVariables: [] }, /probe\.signIn: needs a password/],
    [{ exceptions: [{ check: '4.1', reason: 'It says so itself.' }] }, /number of a check/],
  ])('is refused with %j', async (fields, message) => {
    await expect(withDistributions({ code: 'krita', ...fields })).rejects.toThrow(message);
  });

  it('replaces the image of one desktop by `images`', async () => {
    const merged = entry(await withDistributions({ code: 'ubuntu', images: { xfce: 'local/xfce:1' } }), 'ubuntu');
    expect(merged.images).toEqual({ ...entry(builtIn, 'ubuntu').images, xfce: 'local/xfce:1' });
    expect(merged).toMatchObject({ kind: 'WEBTOP', defaultPort: 3000, shmMb: 1024, name: 'Ubuntu' });
  });

  it('adds a desktop by `images`', async () => {
    const merged = entry(await withDistributions({ code: 'ubuntu', images: { lxqt: 'local/lxqt:1' } }), 'ubuntu');
    expect(merged.desktops).toEqual(['xfce', 'kde', 'mate', 'i3', 'lxqt']);
  });

  it('replaces the images of all desktops by `image`', async () => {
    const merged = entry(await withDistributions({ code: 'ubuntu', image: 'local/all:1' }), 'ubuntu');
    expect(merged.desktops).toEqual(['xfce', 'kde', 'mate', 'i3']);
    for (const desktop of merged.desktops) expect(imageOf(merged, desktop)).toBe('local/all:1');
  });

  it('removes the stand-ins of exactly the images that it replaces', async () => {
    expect(localImageOf(entry(builtIn, 'debian'), 'xfce')).toBe('local/webtop:debian-xfce');
    const one = entry(await withDistributions({ code: 'debian', images: { xfce: 'mine/xfce:1' } }), 'debian');
    expect([localImageOf(one, 'xfce'), localImageOf(one, 'kde')]).toEqual([undefined, 'local/webtop:debian-kde']);
    const all = entry(await withDistributions({ code: 'debian', image: 'mine/all:1' }), 'debian');
    expect([localImageOf(all, 'xfce'), localImageOf(all, 'kde')]).toEqual([undefined, undefined]);
    const own = entry(
      await withDistributions({ code: 'debian', image: 'mine/all:1', localImages: { xfce: 'local/mine:1' } }),
      'debian',
    );
    expect(localImageOf(own, 'xfce')).toBe('local/mine:1');
  });

  it('sets a probe for its own image or for ours', async () => {
    const probe = { path: '/ws', expect: 'websocket' };
    const whole = { path: '/ws', signIn: 'none', expect: 'websocket' };
    expect(entry(await withDistributions({ code: 'krita', image: 'mine/krita:1', probe }), 'krita').probe).toEqual(
      whole,
    );
    expect(
      entry(await withDistributions({ code: 'debian', images: { xfce: 'mine/xfce:1' }, probe }), 'debian').probe,
    ).toEqual(whole);
    expect(entry(await withDistributions({ code: 'debian', image: 'mine/all:1', probe }), 'debian').probe).toEqual(
      whole,
    );
    expect(entry(await withDistributions({ code: 'phpmyadmin', probe }), 'phpmyadmin').probe).toEqual(whole);
    expect(entry(await withDistributions({ code: 'debian', bootSeconds: 9 }), 'debian').probe).toEqual(
      entry(builtIn, 'debian').probe,
    );
  });

  it('replaces the image of an app, and keeps the other fields and entries', async () => {
    const catalog = await withDistributions({ code: 'krita', image: 'local/krita:1', bootSeconds: 9 });
    expect(entry(catalog, 'krita')).toEqual({
      ...entry(builtIn, 'krita'),
      image: 'local/krita:1',
      // What an operator chose has no stand-in of ours, and its desktop is not asked for by ours' path.
      localImage: undefined,
      probe: { path: '/', signIn: 'none', expect: 'answer' },
      signIn: undefined,
      bootSeconds: 9,
    });
    for (const [code, before] of builtIn.distributions)
      if (code !== 'krita') expect(catalog.distributions.get(code)).toEqual(before);
  });

  it('turns an app with `images` into a webtop base', async () => {
    const merged = entry(await withDistributions({ code: 'kali', images: { xfce: 'local/kali:1' } }), 'kali');
    expect(merged).toMatchObject({ kind: 'WEBTOP', desktops: ['xfce'] });
  });

  it('adds an entry that has only code, image and port', async () => {
    const merged = entry(
      await withDistributions({ code: 'whoami', image: 'traefik/whoami', defaultPort: 8080 }),
      'whoami',
    );
    expect(merged).toMatchObject({
      kind: 'PREMADE',
      name: 'whoami',
      scheme: 'http',
      volumes: [{ name: 'primary', path: '/config' }],
      passwordVariables: [],
      stopGraceSeconds: 10,
    });
  });

  it('uses the later of two entries with the same code', async () => {
    const catalog = await withDistributions(
      { code: 'krita', image: 'local/krita:1' },
      { code: 'krita', image: 'local/krita:2' },
    );
    expect(entry(catalog, 'krita').image).toBe('local/krita:2');
  });

  it.each([
    ['a port past the last', { code: 'krita', defaultPort: 65536 }, /distribution "krita".*defaultPort/],
    ['a port that is text', { code: 'krita', defaultPort: '3000' }, /distribution "krita".*defaultPort/],
    ['an unknown scheme', { code: 'krita', scheme: 'ftp' }, /distribution "krita".*scheme/],
    [
      'a relative mount path',
      { code: 'krita', volumes: [{ name: 'primary', path: 'config' }] },
      /"krita".*volumes\.0\.path.*absolute/,
    ],
    ['an image with a space', { code: 'krita', image: 'local/krita 1' }, /"krita".*image.*image reference/],
    ['a misspelt field', { code: 'krita', imageRef: 'local/krita' }, /"krita".*imageRef/],
    ['a bad image of a desktop', { code: 'ubuntu', images: { xfce: '' } }, /"ubuntu".*images\.xfce/],
    ['a new entry without a port', { code: 'new', image: 'local/new' }, /distribution "new".*defaultPort/],
    ['a new entry without an image', { code: 'new', defaultPort: 80 }, /distribution "new" needs "image" or "images"/],
    [
      'a code in capitals',
      { code: 'NEW', image: 'local/new', defaultPort: 80 },
      /distribution "NEW".*code: must be lower-case/,
    ],
    ['an entry without a code', { image: 'local/new', defaultPort: 80 }, /distributions\.0\.code/],
  ])('is refused for %s, by file and field', async (_what, distribution, message) => {
    const catalogFile = await fileWith({ distributions: [distribution] });
    const error: unknown = await load({ catalogFile }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(message);
    expect(String(error)).toContain(catalogFile);
  });

  it('may begin with a byte order mark', async () => {
    const catalogFile = await fileWith('\uFEFF{"distributions": []}');
    const plansFile = await fileWith('\uFEFF{"plans": []}');
    await expect(load({ catalogFile, plansFile })).resolves.toBeDefined();
  });

  it.each([
    ['is no JSON', '{"distributions": [}', /is not JSON\.$/],
    ['has an error further down', '{\n"distributions": [],\n oops', /is not JSON \(line 3 column 2\)\.$/],
    ['is a list', [], /the file/],
    ['has another key', { distribution: [] }, /distribution/],
  ])('is refused by name when it %s', async (_what, content, message) => {
    const catalogFile = await fileWith(content);
    await expect(load({ catalogFile })).rejects.toThrow(message);
    await expect(load({ catalogFile })).rejects.toThrow(`CATALOG_FILE "${catalogFile}"`);
  });

  it('is named in the error if it does not exist, with the cause', async () => {
    const catalogFile = path.join(dir, 'absent.json');
    const error = await load({ catalogFile }).catch((reason: unknown) => reason);
    expect(String(error)).toBe(`Error: CATALOG_FILE "${catalogFile}" cannot be read: ENOENT.`);
    expect(error).toHaveProperty('cause.code', 'ENOENT');
  });

  it('merges plans field by field, and adds new ones', async () => {
    const team = { code: 'team', name: 'Team', cpu: 64, ram: 128, storageGb: 1_000, concurrentVms: 50 };
    const { plans, defaultPlan } = await load({
      plansFile: await fileWith({ plans: [{ code: 'core', concurrentVms: 2 }, team] }),
      defaultPlan: 'team',
    });
    expect(plans.get('core')).toEqual({
      code: 'core',
      name: 'Core',
      cpu: 1,
      ram: 2,
      storageGb: 2,
      concurrentVms: 2,
      vms: 50,
    });
    expect(defaultPlan).toEqual({ ...team, vms: 250 });
  });

  it('is refused for an invalid plan, with file and field', async () => {
    const plansFile = await fileWith({ plans: [{ code: 'core', cpu: -1 }] });
    await expect(load({ plansFile })).rejects.toThrow(/plan "core".*cpu/);
    await expect(load({ plansFile })).rejects.toThrow(`PLANS_FILE "${plansFile}"`);
  });
});

it('an unknown DEFAULT_PLAN is refused with a list of the plans', async () => {
  await expect(load({ defaultPlan: 'gold' })).rejects.toThrow(
    /DEFAULT_PLAN "gold" is not a plan; the plans are core, hacker, engineer/,
  );
});
