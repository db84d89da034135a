import { z } from 'zod';
import { PLAIN_PROBE, probeSchema } from './probe.ts';
import { exceptionSchema, findExceptionProblems, SHARED_EXCEPTIONS } from './security-exceptions.ts';
import { signInSchema } from './sign-in.ts';

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

/** An entry of the catalog, checked across its fields as well. */
export const distributionSchema = entrySchema.superRefine((entry, context) => {
  const { probe, signIn, passwordVariables } = entry;
  const signedIn = { 'probe.signIn': probe.signIn === 'basic', signIn: signIn !== undefined };
  for (const [path, needsPassword] of Object.entries(signedIn)) {
    if (!needsPassword || passwordVariables.length > 0) continue;
    const message = 'needs a password: set its variable in "passwordVariables"';
    context.addIssue({ code: 'custom', path: path.split('.'), message });
  }
  for (const message of findExceptionProblems(entry))
    context.addIssue({ code: 'custom', path: ['exceptions'], message });
});

export type DistributionInput = z.input<typeof distributionSchema>;
export type ParsedDistribution = z.output<typeof distributionSchema>;
