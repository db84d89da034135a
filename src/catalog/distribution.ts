import { z } from 'zod';
import { PLAIN_PROBE, probeSchema, type Probe } from './probe.ts';

const port = z.int().min(1).max(65535);
const imageRef = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[a-z0-9][\w./:@-]*$/, 'must be an image reference');
const mountPath = z.string().regex(/^\/[\w./-]+$/, 'must be an absolute path');

const volumeSchema = z.strictObject({
  /** 'primary' follows the VM's storage type; any other name is data of the image and stays until the VM is deleted. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/),
  path: mountPath,
});

const routeSchema = z.strictObject({
  path: z.string().regex(/^\/[\w-]+$/),
  port,
  protocol: z.enum(['http', 'tcp']),
  /** How the port speaks; the entry's own scheme on its default port, else http. */
  scheme: z.enum(['http', 'https']).optional(),
  /** `kept`: the app is told by its own settings that it lives below the path. `stripped`: it believes to be at `/`, and links relatively. */
  prefix: z.enum(['kept', 'stripped']).default('kept'),
});

/**
 * What a container may keep of root's rights: the engine's own defaults without MKNOD and NET_RAW. Never more: on the bridge that VMs share,
 * NET_RAW and NET_ADMIN would let one take another's address.
 */
const CAPABILITIES = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
] as const;

/** A check of the CIS Docker Benchmark 1.6, section 5, that a container does not pass, and why it cannot. */
const exceptionSchema = z.strictObject({
  check: z.string().regex(/^5\.\d{1,2}$/, 'must be the number of a check: 5.22'),
  reason: z.string().min(10).max(400),
});

/** Those of every image, for an entry that names its own besides. */
export const SHARED_EXCEPTIONS: readonly z.input<typeof exceptionSchema>[] = [
  {
    check: '5.13',
    reason:
      'A VM is for its user to change, and the images write all over their file system at each start (s6-overlay does not boot without).',
  },
  { check: '5.27', reason: 'The gateway itself asks the app every few seconds, over the network, and tells what it finds as the status.' },
];

/** An entry's fields. Everything but code, name, image and port has a default that suits a plain web app. */
const entrySchema = z.strictObject({
  code: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and dashes'),
  name: z.string().min(1).max(80),
  description: z.string().max(400).default(''),
  /** By desktop; an entry has either this (a webtop base) or `image`. */
  images: z.record(z.string().regex(/^[a-z0-9-]{1,20}$/), imageRef).default({}),
  image: imageRef.optional(),
  /** By desktop: images that `npm run images` builds from Debian's packages, for machines that reach no registry. */
  localImages: z.record(z.string(), imageRef).default({}),
  localImage: imageRef.optional(),
  /** Replaces the image's own command. */
  command: z.array(z.string()).min(1).optional(),
  /** The port inside the container that answers when the app is up. */
  defaultPort: port,
  /** How the app speaks on that port; https ones are self-signed inside the container. */
  scheme: z.enum(['http', 'https']).default('http'),
  /** How the gateway asks whether the app is up. For an image with a web server in front that is up before the app. */
  probe: probeSchema.default(PLAIN_PROBE),
  volumes: z.array(volumeSchema).default([{ name: 'primary', path: '/config' }]),
  /** Variables of the image's own sign-in that take the value of VM_PASSWORD. */
  passwordVariables: z.array(z.string()).default([]),
  /** Further variables that the image needs. */
  env: z.record(z.string(), z.string()).default({}),
  /** Paths of the VM's own address that lead to another port. */
  routes: z.array(routeSchema).default([]),
  /** What it listens on besides, that is no HTTP: single ports or ranges. */
  ports: z.array(z.strictObject({ from: port, to: port, protocol: z.enum(['tcp', 'udp']) })).default([]),
  /** Whether a user may have TCP and UDP ports forwarded. */
  portForwarding: z.boolean().default(false),
  /** GB that its container may write outside the volumes that outlive a stop. */
  scratchGb: z.number().positive().max(10_000).default(10),
  shmMb: z.int().min(1).max(8192).default(64),
  /** Between the stop signal and the kill. */
  stopGraceSeconds: z.int().min(0).max(900).default(10),
  /** How long the app may take from its container's start to its first answer. */
  bootSeconds: z.int().min(5).max(3600).default(120),
  pidsLimit: z.int().min(16).max(32768).default(1024),
  /** Capabilities kept after all were dropped. */
  capabilities: z.array(z.enum(CAPABILITIES)).default(['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID']),
  noNewPrivileges: z.boolean().default(true),
  seccomp: z.enum(['default', 'unconfined']).default('default'),
  /** Devices of the engine's host that the image cannot do without. */
  devices: z.array(z.string().regex(/^\/dev\/[\w/-]+$/)).default([]),
  /** What processors the image exists for; without it, for whatever the engine has. */
  architectures: z
    .array(z.enum(['amd64', 'arm64']))
    .min(1)
    .optional(),
  exceptions: z.array(exceptionSchema).default([...SHARED_EXCEPTIONS]),
  /** Why not to build on it any more, and what to use instead. */
  deprecated: z.string().max(400).optional(),
});

/** What an entry may say: whatever it asks for beyond the usual, it gives the reason of. */
export const distributionSchema = entrySchema.superRefine((entry, context) => {
  const { devices, seccomp, noNewPrivileges, exceptions, probe, passwordVariables } = entry;
  if (probe.signIn === 'basic' && passwordVariables.length === 0) {
    context.addIssue({ code: 'custom', path: ['probe', 'signIn'], message: 'needs a password: name its variable in "passwordVariables"' });
  }
  const asked = { '5.18': devices.length > 0, '5.22': seccomp === 'unconfined', '5.26': !noNewPrivileges };
  for (const [check, isNeeded] of Object.entries(asked)) {
    if (exceptions.some((exception) => exception.check === check) === isNeeded) continue;
    const message = isNeeded ? `must give the reason for its exception from check ${check}` : `name check ${check}, which the entry passes`;
    context.addIssue({ code: 'custom', path: ['exceptions'], message });
  }
});

export type DistributionInput = z.input<typeof distributionSchema>;
type ParsedDistribution = z.output<typeof distributionSchema>;

/** A catalog entry: an operating system with desktops to choose from (WEBTOP), or one app (PREMADE). */
export interface Distribution extends ParsedDistribution {
  readonly kind: 'WEBTOP' | 'PREMADE';
  readonly desktops: readonly string[];
}

export function toDistribution(parsed: ParsedDistribution): Distribution {
  const desktops = parsed.image === undefined ? Object.keys(parsed.images) : [];
  return { ...parsed, kind: desktops.length > 0 ? 'WEBTOP' : 'PREMADE', desktops };
}

/** The image of a desktop, or of the app where there is none to choose; undefined for a desktop that it does not offer. */
export function imageOf(distribution: Distribution, desktop: string | null): string | undefined {
  if (distribution.kind === 'PREMADE') return distribution.image;
  return desktop !== null && Object.hasOwn(distribution.images, desktop) ? distribution.images[desktop] : undefined;
}

/** The image built on the engine itself that stands in where the registry cannot be reached; undefined where there is no recipe. */
export function localImageOf({ kind, localImage, localImages }: Distribution, desktop: string | null): string | undefined {
  if (kind === 'PREMADE') return localImage;
  return desktop !== null && Object.hasOwn(localImages, desktop) ? localImages[desktop] : undefined;
}

interface RunningImage {
  readonly reference: string;
  /** The entry's image, where this one is its stand-in. */
  readonly standInFor?: string;
}

/**
 * How the app of the image that really runs is asked. Stand-ins are not the image that the entry's probe was made for: their own server
 * says 5xx at `/` until the app behind it is up.
 */
export function probeOf(distribution: Distribution, desktop: string | null, image: RunningImage | undefined): Probe {
  // By its reference for containers from before they said what they stand in for.
  const isStandIn = image !== undefined && (image.standInFor !== undefined || image.reference === localImageOf(distribution, desktop));
  return isStandIn ? PLAIN_PROBE : distribution.probe;
}
