import type Docker from 'dockerode';

/** What the checks look at: a container as the engine describes it, and what was seen of it while it ran. */
export interface Subject {
  readonly inspected: Docker.ContainerInspectInfo;
  /** Command lines inside, as the engine lists them; empty when it could not run here. */
  readonly processes: readonly string[];
  /** How often something was executed in it from outside. */
  readonly execs: number;
  /** Ports inside that the catalog lets a user publish. */
  readonly publishable: (port: number) => boolean;
  readonly engine: EngineFacts;
}

export interface EngineFacts {
  readonly SecurityOptions?: readonly string[];
  readonly Swarm?: { readonly LocalNodeState?: string };
}

interface Check {
  readonly id: string;
  readonly title: string;
  /** What is wrong; undefined when nothing is. */
  find(subject: Subject): string | undefined | false;
}

const DEFAULT_CAPABILITIES =
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  );
const SENSITIVE = ['/', '/boot', '/dev', '/etc', '/lib', '/proc', '/sys', '/usr'];

const hostOf = ({ inspected }: Subject) => inspected.HostConfig;
const publishedOf = ({ inspected }: Subject) =>
  Object.entries(inspected.HostConfig.PortBindings ?? {}).flatMap(([port, bindings]) =>
    ((bindings ?? []) as { HostIp?: string; HostPort?: string }[]).map(({ HostIp = '', HostPort = '' }) => {
      return { inside: Number.parseInt(port, 10), outside: Number(HostPort), address: HostIp };
    }),
  );

/** Each check of section 5 of the CIS Docker Benchmark 1.6, as docker-bench-security numbers them. */
export const CIS_CHECKS: readonly Check[] = [
  {
    id: '5.1',
    title: 'swarm mode is off',
    find: ({ engine }) => engine.Swarm?.LocalNodeState === 'active' && 'the engine is in a swarm',
  },
  {
    id: '5.2',
    title: 'an AppArmor profile holds',
    find: ({ inspected }) => ['', 'unconfined'].includes(inspected.AppArmorProfile) && 'no profile',
  },
  { id: '5.3', title: 'an SELinux label holds', find: ({ inspected }) => inspected.ProcessLabel === '' && 'no label' },
  {
    id: '5.4',
    title: 'capabilities are restricted',
    find(subject) {
      const { CapAdd, CapDrop } = hostOf(subject);
      const more = (CapAdd ?? []).filter((name: string) => !DEFAULT_CAPABILITIES.includes(name.replace(/^CAP_/, '')));
      if (!(CapDrop ?? []).includes('ALL')) return 'not all were dropped first';
      return more.length > 0 && `it has ${more.join(', ')}`;
    },
  },
  { id: '5.5', title: 'it is not privileged', find: (subject) => hostOf(subject).Privileged && 'it is' },
  {
    id: '5.6',
    title: "none of the host's sensitive directories is mounted",
    find({ inspected }) {
      const found = inspected.Mounts.filter(({ Type, Source }) => Type !== 'volume' || SENSITIVE.includes(Source));
      return found.length > 0 && `it has ${found.map(({ Source }) => Source).join(', ')}`;
    },
  },
  { id: '5.7', title: 'no sshd runs inside', find: ({ processes }) => processes.find((line) => /\bsshd\b/.test(line)) },
  {
    id: '5.8',
    title: 'no privileged port is published',
    find: (subject) => publishedOf(subject).some(({ outside }) => outside > 0 && outside < 1024) && 'there is one',
  },
  {
    id: '5.9',
    title: 'only ports that are needed are published',
    find: (subject) => publishedOf(subject).some(({ inside }) => !subject.publishable(inside)) && 'there are others',
  },
  {
    id: '5.10',
    title: "it does not share the host's network",
    find: (subject) => hostOf(subject).NetworkMode === 'host' && 'it does',
  },
  {
    id: '5.11',
    title: 'memory is limited, swap included',
    find(subject) {
      const { Memory, MemorySwap } = hostOf(subject);
      return (!Memory || MemorySwap !== Memory) && `memory ${Memory}, with swap ${MemorySwap}`;
    },
  },
  {
    id: '5.12',
    title: 'CPU has a priority, and an end',
    find: (subject) => (!hostOf(subject).CpuShares || !hostOf(subject).CpuQuota) && 'it has not',
  },
  {
    id: '5.13',
    title: 'the root file system is read-only',
    find: (subject) => !hostOf(subject).ReadonlyRootfs && 'it can be written',
  },
  {
    id: '5.14',
    title: 'what is published is bound to one address',
    find: (subject) =>
      publishedOf(subject).some(({ address }) => ['', '0.0.0.0', '::'].includes(address)) && 'it is on all',
  },
  {
    id: '5.15',
    title: 'the engine restarts it at most five times',
    find(subject) {
      const { Name = '', MaximumRetryCount = 0 } = hostOf(subject).RestartPolicy ?? {};
      return (
        !['', 'no'].includes(Name) && !(Name === 'on-failure' && MaximumRetryCount <= 5) && `its policy is ${Name}`
      );
    },
  },
  {
    id: '5.16',
    title: "it does not share the host's processes",
    find: (subject) => hostOf(subject).PidMode !== '' && 'it does',
  },
  {
    id: '5.17',
    title: "it does not share the host's IPC",
    find: (subject) => hostOf(subject).IpcMode !== 'private' && 'it does',
  },
  {
    id: '5.18',
    title: 'it has no device of the host',
    find: (subject) => (hostOf(subject).Devices ?? []).length > 0 && 'it has',
  },
  {
    id: '5.19',
    title: "the engine's ulimits are overridden where that is needed",
    find(subject) {
      const names = (hostOf(subject).Ulimits ?? []).map(({ Name }) => Name);
      return !['nofile', 'core'].every((name) => names.includes(name)) && 'open files or core dumps are not limited';
    },
  },
  {
    id: '5.20',
    title: 'no mount is propagated as shared',
    find: ({ inspected }) => inspected.Mounts.some(({ Propagation }) => /shared/.test(Propagation)) && 'there is one',
  },
  {
    id: '5.21',
    title: "it does not share the host's name",
    find: (subject) => hostOf(subject).UTSMode === 'host' && 'it does',
  },
  {
    id: '5.22',
    title: 'the default seccomp profile holds',
    find: (subject) =>
      (hostOf(subject).SecurityOpt ?? []).some((option: string) => /seccomp[=:]unconfined/.test(option)) && 'it is off',
  },
  {
    id: '5.23',
    title: 'nothing is executed inside with privileges',
    find: ({ execs }) => execs > 0 && `${execs} times`,
  },
  { id: '5.24', title: 'nothing is executed inside as root', find: ({ execs }) => execs > 0 && `${execs} times` },
  {
    id: '5.25',
    title: "its cgroup is where the engine's are",
    find: (subject) => hostOf(subject).CgroupParent !== '' && 'it is not',
  },
  {
    id: '5.26',
    title: 'it can gain no privileges',
    find: (subject) =>
      !(hostOf(subject).SecurityOpt ?? []).some((option: string) => /^no-new-privileges(:true)?$/.test(option)) &&
      'it can',
  },
  {
    id: '5.27',
    title: 'the engine checks its health',
    find: ({ inspected }) => inspected.State.Health === undefined && 'it does not',
  },
  {
    id: '5.28',
    title: 'it is of the image that its name means now',
    find: ({ inspected }) => !inspected.Image.startsWith('sha256:') && 'its image is not known',
  },
  {
    id: '5.29',
    title: 'processes are limited',
    find: (subject) => !((hostOf(subject).PidsLimit ?? 0) > 0) && 'they are not',
  },
  {
    id: '5.30',
    title: "it is not on the engine's default bridge",
    find: ({ inspected }) =>
      Object.keys(inspected.NetworkSettings.Networks).some((name) => name === 'bridge') && 'it is',
  },
  {
    id: '5.31',
    title: "it does not share the host's users by its own choice",
    find: (subject) => hostOf(subject).UsernsMode === 'host' && 'it does',
  },
  {
    id: '5.32',
    title: "the engine's socket is not inside",
    find: ({ inspected }) => inspected.Mounts.some(({ Source }) => /docker[^/]*\.sock/.test(Source)) && 'it is',
  },
];

/** The checks that no container can pass on this engine's host, each with what the host lacks. */
export function hostExceptions({
  SecurityOptions = [],
  Swarm,
}: EngineFacts): readonly { check: string; reason: string }[] {
  const has = (name: string) => SecurityOptions.some((option) => option.includes(`name=${name}`));
  return [
    ...(has('apparmor') ? [] : [{ check: '5.2', reason: 'The host has no AppArmor.' }]),
    ...(has('selinux') ? [] : [{ check: '5.3', reason: 'The host has no SELinux.' }]),
    ...(Swarm?.LocalNodeState === 'active'
      ? [{ check: '5.1', reason: 'The operator runs a swarm on this engine.' }]
      : []),
  ];
}
