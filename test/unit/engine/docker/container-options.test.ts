import { expect, it } from 'vitest';
import { containerOptions } from '../../../../src/engine/docker/machines/container-options.ts';
import { LABEL } from '../../../../src/engine/labels.ts';
import { machineSpec } from '../../../support/engine/engines.ts';

const place = {
  name: 'swiftor-x',
  image: { reference: 'swiftor-test/tiny:1', id: 'sha256:1' },
  installationId: 'inst',
  networkId: 'net',
  volumeNames: new Map([['primary', 'swiftor-x-primary']]),
};

it('a container gets its limits, and no rights but those of its profile', () => {
  const spec = machineSpec({
    cpu: 1.5,
    memoryBytes: 512 * 1024 * 1024,
    pidsLimit: 256,
    shmBytes: 1024,
    stopGraceSeconds: 7,
  });
  const { HostConfig, StopTimeout, Tty } = containerOptions(spec, place);
  expect(HostConfig).toMatchObject({
    Memory: 536_870_912,
    MemorySwap: 536_870_912,
    CpuQuota: 150_000,
    CpuPeriod: 100_000,
    CpuShares: 1536,
    PidsLimit: 256,
    Ulimits: [
      { Name: 'nofile', Soft: 16_384, Hard: 16_384 },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    OomScoreAdj: 500,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    ShmSize: 1024,
    CapDrop: ['ALL'],
    CapAdd: spec.security.capabilities,
    SecurityOpt: ['no-new-privileges'],
    RestartPolicy: { Name: 'no' },
    NetworkMode: 'net',
  });
  expect(StopTimeout).toBe(7);
  expect(Tty).toBe(false);
});

it("a container without ports publishes nothing, and is given no init, no privilege, no device and none of the host's paths", () => {
  const options = containerOptions(machineSpec(), place);
  const keys = [...Object.keys(options), ...Object.keys(options.HostConfig ?? {})];
  const forbidden = [
    'Init',
    'Privileged',
    'Devices',
    'Binds',
    'PortBindings',
    'PublishAllPorts',
    'ExposedPorts',
    'PidMode',
    'UTSMode',
    'UsernsMode',
    'User',
    'NanoCpus',
  ];
  expect(keys.filter((key) => forbidden.includes(key))).toEqual([]);
});

it('its ports are published, on the address that they name, and no others', () => {
  const ports = [
    { protocol: 'tcp', internalPort: 25565, publicPort: 30001, bind: '0.0.0.0' },
    { protocol: 'udp', internalPort: 25565, publicPort: 30002, bind: '::1' },
  ] as const;
  const { ExposedPorts, HostConfig } = containerOptions(machineSpec({ ports }), place);
  expect(ExposedPorts).toEqual({ '25565/tcp': {}, '25565/udp': {} });
  expect(HostConfig?.PortBindings).toEqual({
    '25565/tcp': [{ HostIp: '0.0.0.0', HostPort: '30001' }],
    '25565/udp': [{ HostIp: '::1', HostPort: '30002' }],
  });
  expect(HostConfig).not.toHaveProperty('PublishAllPorts');
});

it.each([
  [0.001, 2],
  [8, 8192],
  [1000, 262_144],
])('a machine of %d cores has a weight that the kernel takes: %d', (cpu, CpuShares) => {
  expect(containerOptions(machineSpec({ cpu }), place).HostConfig).toMatchObject({ CpuShares });
});

it('a share of a core too small for the kernel becomes the smallest that it takes', () => {
  expect(containerOptions(machineSpec({ cpu: 0.001 }), place).HostConfig?.CpuQuota).toBe(1000);
});

it('no-new-privileges, the runtime and the command are given only when the spec has them', () => {
  const bare = containerOptions(
    machineSpec({ security: { capabilities: [], noNewPrivileges: false, seccomp: 'default', devices: [] } }),
    place,
  );
  expect(bare.HostConfig).toMatchObject({ SecurityOpt: [], CapAdd: [] });
  expect(bare.HostConfig).not.toHaveProperty('Runtime');
  expect(bare).not.toHaveProperty('Cmd');
  const full = containerOptions(machineSpec({ runtime: 'runsc', command: ['/bin/app', '--flag'] }), place);
  expect(full).toMatchObject({ Cmd: ['/bin/app', '--flag'], HostConfig: { Runtime: 'runsc' } });
});

it('an image that needs a device, or no filter of system calls, gets just that', () => {
  const security = { capabilities: [], noNewPrivileges: true, seccomp: 'unconfined', devices: ['/dev/dri'] } as const;
  expect(containerOptions(machineSpec({ security }), place).HostConfig).toMatchObject({
    SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'],
    Devices: [{ PathOnHost: '/dev/dri', PathInContainer: '/dev/dri', CgroupPermissions: 'rwm' }],
  });
});

it('environment values are passed as they are, also with "=" and newlines', () => {
  expect(containerOptions(machineSpec({ env: { A: '', B: 'x=y\nz' } }), place).Env).toEqual(['A=', 'B=x=y\nz']);
});

it("the driver's own labels win over the spec's", () => {
  const spec = machineSpec({ labels: { [LABEL.installation]: 'other', 'io.swiftor.test': 'kept' } });
  expect(containerOptions(spec, place).Labels).toEqual({
    'io.swiftor.test': 'kept',
    [LABEL.installation]: 'inst',
    [LABEL.machine]: spec.id,
    [LABEL.hash]: spec.hash,
    [LABEL.image]: 'swiftor-test/tiny:1',
  });
});

it('a container is made from the id of its image, and says where that is from', () => {
  const image = { reference: 'local/a:1', id: 'sha256:1', digest: 'sha256:2', standInFor: 'lscr.io/a:1' };
  const { Image, Labels } = containerOptions(machineSpec(), { ...place, image });
  expect(Image).toBe('sha256:1');
  expect(Labels).toMatchObject({
    [LABEL.image]: 'local/a:1',
    [LABEL.imageDigest]: 'sha256:2',
    [LABEL.standInFor]: 'lscr.io/a:1',
  });
});

it('volumes are mounted under the names that the engine knows them by', () => {
  const volumes = [{ name: 'primary', target: '/config', lifetime: 'until-stop', mustExist: false }] as const;
  expect(containerOptions(machineSpec({ volumes }), place).HostConfig?.Mounts).toEqual([
    { Type: 'volume', Source: 'swiftor-x-primary', Target: '/config' },
  ]);
  expect(() => containerOptions(machineSpec({ volumes }), { ...place, volumeNames: new Map() })).toThrow(/"primary"/);
});

it('only a machine without egress has a name server that leads nowhere', () => {
  expect(containerOptions(machineSpec({ egress: 'none' }), place).HostConfig?.Dns).toEqual(['127.0.0.1']);
  expect(containerOptions(machineSpec(), place).HostConfig).not.toHaveProperty('Dns');
});
