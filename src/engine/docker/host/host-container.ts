import type Docker from 'dockerode';
import { LABEL } from '../../labels.ts';

/** A program of the engine's host, and the parts of the host that it can access. */
export interface HostCommand {
  /** A verb phrase for messages: 'make a disk image'. */
  readonly what: string;
  /**
   * The program, found in the usual PATH, and its arguments. Pass values to `sh -c` as arguments, never in its script.
   */
  readonly argv: readonly [program: string, ...args: string[]];
  /** Capabilities to keep, without the CAP_ prefix. Default: none. */
  readonly capabilities?: readonly string[];
  /** 'host' is the host's network (for iptables), 'bridge' the engine's default network. Default: 'none'. */
  readonly network?: 'none' | 'host' | 'bridge';
  /** Additional host paths, which must exist. */
  readonly binds?: readonly HostBind[];
  /** Volumes of the engine, by their names. */
  readonly volumes?: readonly HostVolume[];
  /** Without the host's programs, for a container that is never started. */
  readonly isBare?: boolean;
  /** In the format of `docker run --device-cgroup-rule`: 'b 7:* rwm'. */
  readonly deviceRules?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Keeps stdin open so that clients can attach. */
  readonly isSpokenTo?: boolean;
  /** Time limit. Default: 30 s. */
  readonly milliseconds?: number;
  /** Limit for each of stdout and stderr. Default: 64 KiB. */
  readonly maxOutputBytes?: number;
}

export interface HostVolume {
  readonly name: string;
  readonly target: string;
  readonly writable: boolean;
}

export interface HostBind {
  readonly source: string;
  /** Default: the same path. */
  readonly target?: string;
  /** Default: read-only. */
  readonly writable?: boolean;
  /** Excludes submounts. Default: included. */
  readonly shallow?: boolean;
}

/**
 * Directories of programs and their libraries; not every host has all. From /etc only these, because it holds secrets.
 */
const TOOLS: readonly HostBind[] = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/etc/alternatives',
  '/etc/ld.so.cache',
  '/etc/mke2fs.conf',
].map((source) => ({ source }));
/** The lock of legacy iptables. */
const FIREWALL_LOCK: HostBind = { source: '/run/xtables.lock', writable: true };
const SEARCHED = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Paths that a host may lack. */
export const OPTIONAL_PATHS: ReadonlySet<string> = new Set([...TOOLS, FIREWALL_LOCK].map(({ source }) => source));

/** The type lacks NonRecursive and requires Propagation, which the engine must choose for its own data directory. */
const SHALLOW = { NonRecursive: true } as unknown as Docker.MountSettings['BindOptions'];

export interface HostContainerPlace {
  readonly imageRef: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Optional paths that this host lacks. */
  readonly absent: ReadonlySet<string>;
}

/** Options of the container: an empty image with read-only binds of the host's programs. */
export function hostContainerOptions(
  command: HostCommand,
  { imageRef, labels, absent }: HostContainerPlace,
): Docker.ContainerCreateOptions {
  const {
    argv,
    capabilities = [],
    network = 'none',
    binds = [],
    volumes = [],
    isBare = false,
    deviceRules = [],
    env = {},
    isSpokenTo = false,
  } = command;
  const lock = network === 'host' ? [FIREWALL_LOCK] : [];
  const present = isBare ? [] : [...TOOLS, ...lock].filter(({ source }) => !absent.has(source));
  const volumeMounts = volumes.map(({ name, target, writable }) => ({
    Type: 'volume' as const,
    Source: name,
    Target: target,
    ReadOnly: !writable,
  }));
  return {
    Image: imageRef,
    Entrypoint: [],
    Cmd: [...argv],
    Env: [SEARCHED, 'LC_ALL=C', ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
    Labels: { ...labels },
    WorkingDir: '/',
    OpenStdin: isSpokenTo,
    HostConfig: {
      NetworkMode: network,
      // With user namespace remapping, root must still be the host's root.
      UsernsMode: 'host',
      // Unlike Mounts, Binds would create missing paths on the host.
      Mounts: [
        ...[...present, ...binds].map(({ source, target = source, writable = false, shallow = false }) => {
          const mount = { Type: 'bind' as const, Source: source, Target: target, ReadOnly: !writable };
          return shallow ? { ...mount, BindOptions: SHALLOW } : mount;
        }),
        ...volumeMounts,
      ],
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: [...capabilities],
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      ...(deviceRules.length > 0 && { DeviceCgroupRules: [...deviceRules] }),
      PidsLimit: 64,
      Memory: 512 * 2 ** 20,
      MemorySwap: 512 * 2 ** 20,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
    },
  };
}

/** Labels by which a sweep finds an abandoned command's container; see `isAbandoned`. */
export function commandLabels(installationId: string, milliseconds: number): Readonly<Record<string, string>> {
  return { [LABEL.installation]: installationId, [LABEL.command]: String(Math.ceil(milliseconds / 1000)) };
}
