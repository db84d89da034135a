import { z } from 'zod';
import { signInSchema } from './sign-in.ts';
import { PLAIN_PROBE, probeSchema, type Probe } from './probe.ts';

const port = z.int().min(1).max(65535);
const imageRef = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[a-z0-9][\w./:@-]*$/, 'must be an image reference');
const mountPath = z.string().regex(/^\/[\w./-]+$/, 'must be an absolute path');

const sizeSchema = z.strictObject({ cpu: z.int().min(1).max(128), ram: z.int().min(1).max(1024) });

const volumeSchema = z.strictObject({
  /** 'primary' follows the VM's storage type. Other volumes hold data of the image until the VM is deleted. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/),
  path: mountPath,
});

const routeSchema = z.strictObject({
  path: z.string().regex(/^\/[\w-]+$/),
  port,
  protocol: z.enum(['http', 'tcp']),
  /** The protocol of the port. Defaults to the entry's scheme on its default port, else http. */
  scheme: z.enum(['http', 'https']).optional(),
  /** `kept`: the app is configured with the path as its base. `stripped`: it assumes `/` and uses relative links. */
  prefix: z.enum(['kept', 'stripped']).default('kept'),
});

/**
 * The capabilities that an entry may keep: Docker's defaults without MKNOD and NET_RAW. On the bridge that VMs share,
 * NET_RAW or NET_ADMIN would let a VM take another's address.
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

/** A check of the CIS Docker Benchmark 1.6, section 5, that a container does not pass, with the reason. */
const exceptionSchema = z.strictObject({
  check: z.string().regex(/^5\.\d{1,2}$/, 'must be the number of a check, such as 5.22'),
  reason: z.string().min(10).max(400),
});

/** The exceptions of every image, to be combined with an entry's own. */
export const SHARED_EXCEPTIONS: readonly z.input<typeof exceptionSchema>[] = [
  {
    check: '5.13',
    reason:
      'Users change their VMs, and the images write all over their file system at each start (s6-overlay does ' +
      'not boot otherwise).',
  },
  {
    check: '5.27',
    reason: 'The gateway probes the app over the network every few seconds and reports the result as the status.',
  },
];

/** The fields of an entry. All but code, name, image and port have defaults for a plain web app. */
const entrySchema = z.strictObject({
  code: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and dashes'),
  name: z.string().min(1).max(80),
  description: z.string().max(400).default(''),
  /** The heading that catalogs show it under. */
  category: z.string().min(1).max(40).default('Apps'),
  /** A picture for catalogs, which loads nothing from elsewhere. */
  icon: z
    .string()
    .max(8_192)
    .regex(/^data:image\/(png|svg\+xml|webp);/, 'must be a data: URL of a PNG, SVG or WebP')
    .optional(),
  homepage: z
    .url({ protocol: /^https$/ })
    .max(200)
    .optional(),
  /** MB that a pull transfers, if known. */
  sizeMb: z.int().min(1).max(100_000).optional(),
  /** What the app needs at least, and what it works well with. */
  minimum: sizeSchema.default({ cpu: 1, ram: 1 }),
  recommended: sizeSchema.default({ cpu: 1, ram: 2 }),
  /** By desktop. An entry has either `images` (a webtop base) or `image`. */
  images: z.record(z.string().regex(/^[a-z0-9-]{1,20}$/), imageRef).default({}),
  image: imageRef.optional(),
  /** By desktop: stand-ins that `npm run images` builds from Debian packages, for machines without a registry. */
  localImages: z.record(z.string(), imageRef).default({}),
  localImage: imageRef.optional(),
  /** Replaces the image's command. */
  command: z.array(z.string()).min(1).optional(),
  /** The port inside the container that answers when the app is up. */
  defaultPort: port,
  /** The protocol of the default port. https uses a self-signed certificate inside the container. */
  scheme: z.enum(['http', 'https']).default('http'),
  /** How the gateway checks the app. Set it for an image whose web server answers before the app does. */
  probe: probeSchema.default(PLAIN_PROBE),
  /** How the gateway signs browsers with access in, on the default port. Without it, the app asks. */
  signIn: signInSchema.optional(),
  volumes: z.array(volumeSchema).default([{ name: 'primary', path: '/config' }]),
  /**
   * Which images leave out the keys, pointer and clipboard of clients whose requests say `X-Swiftor-Access: view`:
   * `stand-ins`, the ones that `npm run images` builds, or `all`.
   */
  honoursViewers: z.enum(['none', 'stand-ins', 'all']).default('none'),
  /** Variables of the image's sign-in. They get the value of VM_PASSWORD. */
  passwordVariables: z.array(z.string()).default([]),
  /** The user whose password that is, if the app asks for one and `signIn` does not say it. */
  passwordUser: z.string().min(1).max(40).optional(),
  /** Whose shell a terminal is, if the image has that user; by default the image's own user. */
  shellUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be the name of a user')
    .optional(),
  /** Other variables that the image needs. */
  env: z.record(z.string(), z.string()).default({}),
  /** Paths of the VM's address that lead to other ports. */
  routes: z.array(routeSchema).default([]),
  /** Other ports that the image listens on without HTTP, as ranges. */
  ports: z.array(z.strictObject({ from: port, to: port, protocol: z.enum(['tcp', 'udp']) })).default([]),
  /** Whether users may forward TCP and UDP ports. */
  portForwarding: z.boolean().default(false),
  /** GB that a VM may write outside its lasting volumes. */
  scratchGb: z.number().positive().max(10_000).default(10),
  shmMb: z.int().min(1).max(8192).default(64),
  /** The time between the stop signal and the kill. */
  stopGraceSeconds: z.int().min(0).max(900).default(10),
  /** The limit from the container's start to the app's first answer. */
  bootSeconds: z.int().min(5).max(3600).default(120),
  pidsLimit: z.int().min(16).max(32768).default(1024),
  /** Capabilities to keep. All others are dropped. */
  capabilities: z
    .array(z.enum(CAPABILITIES))
    .default(['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID']),
  noNewPrivileges: z.boolean().default(true),
  seccomp: z.enum(['default', 'unconfined']).default('default'),
  /** Devices of the engine's host that the image requires. */
  devices: z.array(z.string().regex(/^\/dev\/[\w/-]+$/)).default([]),
  /** The architectures of the image. Any if unset. */
  architectures: z
    .array(z.enum(['amd64', 'arm64']))
    .min(1)
    .optional(),
  exceptions: z.array(exceptionSchema).default([...SHARED_EXCEPTIONS]),
  /** Why the image is deprecated, and its replacement. */
  deprecated: z.string().max(400).optional(),
});

/** Checks an entry across its fields: extra privileges need a reason, and reasons without need are refused. */
export const distributionSchema = entrySchema.superRefine((entry, context) => {
  const { devices, seccomp, noNewPrivileges, exceptions, probe, signIn, passwordVariables } = entry;
  const signedIn = { 'probe.signIn': probe.signIn === 'basic', signIn: signIn !== undefined };
  for (const [path, needsPassword] of Object.entries(signedIn)) {
    if (!needsPassword || passwordVariables.length > 0) continue;
    const message = 'needs a password: set its variable in "passwordVariables"';
    context.addIssue({ code: 'custom', path: path.split('.'), message });
  }
  const required = { '5.18': devices.length > 0, '5.22': seccomp === 'unconfined', '5.26': !noNewPrivileges };
  for (const [check, isNeeded] of Object.entries(required)) {
    if (exceptions.some((exception) => exception.check === check) === isNeeded) continue;
    const message = isNeeded
      ? `must give the reason for its exception from check ${check}`
      : `must not name check ${check}, which the entry passes`;
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

/** The image of a desktop, or of an app without desktops. Undefined for an unknown desktop. */
export function imageOf(distribution: Distribution, desktop: string | null): string | undefined {
  if (distribution.kind === 'PREMADE') return distribution.image;
  return desktop !== null && Object.hasOwn(distribution.images, desktop) ? distribution.images[desktop] : undefined;
}

/** The locally built stand-in for an unreachable registry. Undefined without a recipe. */
export function localImageOf(
  { kind, localImage, localImages }: Distribution,
  desktop: string | null,
): string | undefined {
  if (kind === 'PREMADE') return localImage;
  return desktop !== null && Object.hasOwn(localImages, desktop) ? localImages[desktop] : undefined;
}

/** Whose password the app asks for; undefined if it asks for none. */
export function passwordHint({
  passwordVariables,
  passwordUser,
  signIn,
}: Distribution): { user: string | null } | undefined {
  if (passwordVariables.length === 0) return undefined;
  return { user: passwordUser ?? (signIn?.kind === 'basic' ? signIn.user : null) };
}

interface RunningImage {
  readonly reference: string;
  /** The entry's image if this one is its stand-in. */
  readonly standInFor?: string;
}

/**
 * The probe for the running image. The entry's probe does not fit stand-ins, whose server answers 5xx at `/` until the
 * app is up.
 */
export function probeOf(distribution: Distribution, desktop: string | null, image: RunningImage | undefined): Probe {
  return isStandIn(distribution, desktop, image) ? PLAIN_PROBE : distribution.probe;
}

/** Whether the running image keeps the input of clients out that may only look on. */
export function honoursViewers(
  distribution: Distribution,
  desktop: string | null,
  image: RunningImage | undefined,
): boolean {
  const { honoursViewers: which } = distribution;
  return which === 'all' || (which === 'stand-ins' && isStandIn(distribution, desktop, image));
}

function isStandIn(distribution: Distribution, desktop: string | null, image: RunningImage | undefined): boolean {
  if (image === undefined) return false;
  // Containers of earlier versions lack `standInFor`, and are recognized by the reference.
  return image.standInFor !== undefined || image.reference === localImageOf(distribution, desktop);
}
