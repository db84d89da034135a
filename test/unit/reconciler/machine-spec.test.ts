import { beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog, type Catalog } from '../../../src/catalog/catalog.ts';
import { toMachineSpec, type MachinePolicy, type SpecSource } from '../../../src/reconciler/plan/machine-spec.ts';
import type { Vm } from '../../../src/vm/vm.ts';
import { VM } from '../../support/database/vm-row.ts';

let catalog: Catalog;
beforeAll(async () => {
  catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
});

interface Order {
  readonly vm?: Partial<Vm>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly salt?: string;
  readonly policy?: MachinePolicy;
}

function sourceOf({ vm, secrets = {}, salt = 'salt', policy = { egress: 'internet' } }: Order): SpecSource {
  const ordered = { ...VM, ...vm };
  const distribution = catalog.distributions.get(ordered.distribution);
  if (distribution === undefined) throw new Error(`There is no "${ordered.distribution}".`);
  return {
    vm: ordered,
    distribution,
    salt,
    policy,
    bind: '127.0.0.1',
    secrets: Object.entries(secrets).map(([key, value]) => ({ key, value })),
  };
}

function specOf(order: Order) {
  const spec = toMachineSpec(sourceOf(order));
  if (spec === undefined) throw new Error('The catalog has no image for it.');
  return spec;
}

const app = (code: string, more: Partial<Vm> = {}): Partial<Vm> => ({ distribution: code, desktop: null, ...more });

it("a machine has the image of its desktop, the VM's resources and the requirements of its catalog entry", () => {
  expect(specOf({})).toEqual({
    id: VM.id,
    hash: expect.stringMatching(/^[0-9a-f]{16}$/),
    imageRef: 'lscr.io/linuxserver/webtop:ubuntu-xfce',
    env: { PUID: '1000', PGID: '1000', TZ: 'Etc/UTC' },
    volumes: [{ name: 'primary', target: '/config', lifetime: 'until-stop', mustExist: false }],
    ports: [],
    cpu: 2,
    memoryBytes: 4 * 1024 ** 3,
    pidsLimit: 2048,
    shmBytes: 1024 ** 3,
    stopGraceSeconds: 10,
    security: {
      capabilities: expect.arrayContaining(['CHOWN', 'SETUID']),
      noNewPrivileges: true,
      seccomp: 'default',
      devices: [],
    },
    egress: 'internet',
    labels: {
      'io.swiftor.user': 'alice',
      'io.swiftor.vmlabel': 'A label',
      'io.swiftor.region': 'AU',
      'io.swiftor.distribution': 'ubuntu',
      'io.swiftor.desktop': 'xfce',
      'io.swiftor.cpu': '2',
      'io.swiftor.ram-gb': '4',
    },
  });
  expect(specOf({ vm: app('minecraft') })).toMatchObject({
    imageRef: 'hexparrot/mineos:latest',
    stopGraceSeconds: 600,
  });
});

it("the policy of the VM's region is part of its machine, and another policy gives another hash", () => {
  const [plain, strict] = [specOf({}), specOf({ policy: { egress: 'none', runtime: 'runsc' } })];
  expect(strict).toMatchObject({ egress: 'none', runtime: 'runsc' });
  expect(strict.hash).not.toBe(plain.hash);
  expect(plain).not.toHaveProperty('runtime');
});

it('the command of the catalog entry replaces that of the image', () => {
  const source = sourceOf({});
  const spec = toMachineSpec({ ...source, distribution: { ...source.distribution, command: ['sleep', '9'] } });
  expect(spec?.command).toEqual(['sleep', '9']);
  expect(specOf({})).not.toHaveProperty('command');
});

it('a stand-in image is part of the machine and does not change its hash', () => {
  const debian = { distribution: 'debian' };
  expect(specOf({ vm: debian }).localImageRef).toBe('local/webtop:debian-xfce');
  expect(specOf({ vm: app('krita') }).localImageRef).toBe('local/krita:latest');
  expect(specOf({})).not.toHaveProperty('localImageRef');
  const source = sourceOf({ vm: debian });
  const bare = toMachineSpec({ ...source, distribution: { ...source.distribution, localImages: {} } });
  expect(bare).not.toHaveProperty('localImageRef');
  expect(bare?.hash).toBe(specOf({ vm: debian }).hash);
});

it('devices and system calls are those of the catalog entry', () => {
  expect(specOf({ vm: app('steamos') }).security).toMatchObject({ seccomp: 'unconfined', devices: ['/dev/dri'] });
});

it.each([
  ['a desktop that is no longer offered', { desktop: 'gnome' }],
  ['no desktop where one must be chosen', { desktop: null }],
  ['a desktop named like a property of every object', { desktop: 'constructor' }],
])('%s gives no machine', (_what, vm) => {
  expect(toMachineSpec(sourceOf({ vm }))).toBeUndefined();
});

describe('the environment', () => {
  it.each([
    ['krita', ['PASSWORD']],
    ['code-server', ['PASSWORD', 'SUDO_PASSWORD']],
    ['minecraft', ['USER_PASSWORD']],
  ])('of %s has the password under the names that its sign-in reads', (code, names) => {
    const { env } = specOf({ vm: app(code), secrets: { VM_PASSWORD: 'open sesame' } });
    for (const name of ['VM_PASSWORD', ...names]) expect(env).toHaveProperty(name, 'open sesame');
  });

  it('has no sign-in of an undefined password once VM_PASSWORD is deleted', () => {
    expect(Object.keys(specOf({ vm: app('krita'), secrets: {} }).env)).not.toContain('PASSWORD');
  });

  it("prefers the user's values over those of the sign-in and the image", () => {
    const secrets = { VM_PASSWORD: 'one', PASSWORD: 'two', TZ: 'Australia/Sydney', API_KEY: 'key' };
    expect(specOf({ vm: app('krita'), secrets }).env).toMatchObject({ ...secrets, PUID: '1000' });
  });
});

describe('volumes', () => {
  const lifetimes = (vm: Partial<Vm>) =>
    Object.fromEntries(specOf({ vm }).volumes.map((volume) => [volume.target, volume]));

  it('the primary volume follows the storage type, and other data stays until the VM is deleted', () => {
    expect(lifetimes(app('emulatorjs', { persistent: false }))).toMatchObject({
      '/config': { name: 'primary', lifetime: 'until-stop' },
      '/data': { name: 'data', lifetime: 'until-delete' },
    });
    expect(lifetimes(app('emulatorjs', { persistent: true }))).toMatchObject({
      '/config': { lifetime: 'until-delete' },
      '/data': { lifetime: 'until-delete' },
    });
  });

  it('must exist once they held data, unless each stop removes them', () => {
    const mustExist = (vm: Partial<Vm>) =>
      specOf({ vm: app('code-server', vm) }).volumes.map((volume) => volume.mustExist);
    expect(mustExist({ persistent: true, storageReady: false })).toEqual([false, false]);
    expect(mustExist({ persistent: true, storageReady: true })).toEqual([true, true]);
    expect(mustExist({ persistent: false, storageReady: true })).toEqual([false, true]);
  });
});

const forward = (internalPort: number, publicPort: number): Vm['ports'][number] => {
  return { vmId: VM.id, region: VM.region, node: null, protocol: 'tcp', internalPort, publicPort };
};

it("the VM's forwarded ports are the machine's, on the operator's address", () => {
  const spec = specOf({ vm: app('minecraft', { ports: [forward(25565, 30001)] }) });
  expect(spec.ports).toEqual([{ protocol: 'tcp', internalPort: 25565, publicPort: 30001, bind: '127.0.0.1' }]);
});

describe('the hash', () => {
  const hash = (order: Order) => specOf(order).hash;

  it.each<[string, Order]>([
    ['a secret is set', { secrets: { A: '1' } }],
    ['the desktop is another', { vm: { desktop: 'kde' } }],
    ['it has more cores', { vm: { cpu: 3 } }],
    ['it has more memory', { vm: { ramGb: 5 } }],
    ['its storage is kept', { vm: { persistent: true } }],
    ['its user asked for a restart', { vm: { incarnation: 1 } }],
    ['its salt is another', { salt: 'pepper' }],
    ['a port is forwarded', { vm: { ports: [forward(25565, 30001)] } }],
  ])('changes when %s', (_what, order) => {
    expect(hash(order)).not.toBe(hash({}));
  });

  it('changes with the public and with the internal port of a forward', () => {
    const hashes = [[], [forward(1, 2)], [forward(1, 3)], [forward(2, 2)], [forward(1, 2), forward(2, 3)]].map(
      (ports) => hash({ vm: { ports } }),
    );
    expect(new Set(hashes).size).toBe(5);
  });

  it("changes with a secret's name, value and absence", () => {
    const hashes = [{ A: '1' }, { A: '2' }, { B: '1' }, { A: '1', B: '1' }, {}].map((secrets) => hash({ secrets }));
    expect(new Set(hashes).size).toBe(5);
  });

  it.each<[string, Order]>([
    ['its label', { vm: { vmlabel: 'Another label' } }],
    ['its status and where it runs', { vm: { status: 'RUNNING', engineRef: 'abc', address: '10.0.0.2', attempts: 3 } }],
    ['its generation', { vm: { generation: 9 } }],
    ['its mappings', { vm: { mappings: [{ vmId: VM.id, name: 'web', internalPort: 80, visibility: 'PUBLIC' }] } }],
    ['data in its volumes', { vm: { storageReady: true, storageBytes: 9 } }],
  ])('does not change with %s, which needs no new container', (_what, order) => {
    expect(hash(order)).toBe(hash({}));
  });

  it('does not depend on the order in which secrets were read', () => {
    expect(hash({ secrets: { A: '1', B: '2' } })).toBe(hash({ secrets: { B: '2', A: '1' } }));
  });

  it('distinguishes a value from the same text in two variables', () => {
    expect(hash({ secrets: { A: '1","B":"2' } })).not.toBe(hash({ secrets: { A: '1', B: '2' } }));
  });
});
