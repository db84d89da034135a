import type Docker from 'dockerode';
import { LABEL } from '../../labels.ts';

/** A program of the engine's own host, and what of the host it may touch: everything that is not named here is out of its reach. */
export interface HostCommand {
  /** The rest of a sentence: 'make a disk image'. */
  readonly what: string;
  /** The program, looked up in the host's usual places, and its arguments as they are. Values never go into the text of a script: give them to `sh -c` as further arguments. */
  readonly argv: readonly [program: string, ...args: string[]];
  /** What is kept of root's rights, without CAP_; none by default. */
  readonly capabilities?: readonly string[];
  /** 'host' is the host's own network, as iptables needs it, 'bridge' the engine's default one; 'none' by default. */
  readonly network?: 'none' | 'host' | 'bridge';
  /** Further paths of the host, which must exist there. */
  readonly binds?: readonly HostBind[];
  /** As `docker run --device-cgroup-rule` takes them: 'b 7:* rwm'. */
  readonly deviceRules?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether its input stays open for whoever attaches to it. */
  readonly isSpokenTo?: boolean;
  /** How long it may run; 30 s by default. */
  readonly milliseconds?: number;
  /** What is read of each of its outputs at most; 64 KiB by default. */
  readonly maxOutputBytes?: number;
}

export interface HostBind {
  readonly source: string;
  /** The same path by default. */
  readonly target?: string;
  /** False by default: only reading. */
  readonly writable?: boolean;
  /** Without what is mounted below it; with that by default. */
  readonly shallow?: boolean;
}

/** Where a host keeps programs and what they load; not each has all of them. No more of /etc than that: its secrets are none of a tool's business. */
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
/** By which the older kind of iptables keeps two of its calls apart. */
const FIREWALL_LOCK: HostBind = { source: '/run/xtables.lock', writable: true };
const SEARCHED = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Paths that a host may do without. */
export const OPTIONAL_PATHS: ReadonlySet<string> = new Set([...TOOLS, FIREWALL_LOCK].map(({ source }) => source));

/** Typed as if it could say only how mounts spread, which is left to the engine: below its own data it insists on a way of its own. */
const SHALLOW = { NonRecursive: true } as unknown as Docker.MountSettings['BindOptions'];

export interface HostContainerPlace {
  readonly imageRef: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the optional paths, those that this host is known not to have. */
  readonly absent: ReadonlySet<string>;
}

/** The container in which the host's own programs run: an empty image, with the host's programs to read. */
export function hostContainerOptions(
  command: HostCommand,
  { imageRef, labels, absent }: HostContainerPlace,
): Docker.ContainerCreateOptions {
  const { argv, capabilities = [], network = 'none', binds = [], deviceRules = [], env = {}, isSpokenTo = false } = command;
  const lock = network === 'host' ? [FIREWALL_LOCK] : [];
  const present = [...TOOLS, ...lock].filter(({ source }) => !absent.has(source));
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
      // Where the engine maps its containers' users, root here is to be the host's.
      UsernsMode: 'host',
      // A bind of another type would make what is missing on the host.
      Mounts: [...present, ...binds].map(({ source, target = source, writable = false, shallow = false }) => {
        const mount = { Type: 'bind' as const, Source: source, Target: target, ReadOnly: !writable };
        return shallow ? { ...mount, BindOptions: SHALLOW } : mount;
      }),
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

/** The labels of a command's container, by which it is swept when it was left behind; see `isAbandoned`. */
export function commandLabels(installationId: string, milliseconds: number): Readonly<Record<string, string>> {
  return { [LABEL.installation]: installationId, [LABEL.command]: String(Math.ceil(milliseconds / 1000)) };
}
