import { z } from 'zod';

const encryptionKey = z
  .string()
  .refine((key) => Buffer.from(key, 'base64').length === 32, 'must be 32 bytes in base64: openssl rand -base64 32');
const atLeastOne = (fallback: number) =>
  z.coerce.number().int().min(1, 'must be a whole number of at least 1').default(fallback);

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
/** A name in DNS has 253 characters; a VM's address adds a label and a dot to the domain. */
const MAX_DOMAIN = 253 - 64;

/** All variables with their formats and defaults. docs/settings.md describes them. */
const schema = z.object({
  HOST: z
    .string()
    .regex(/^([\w.-]+|[0-9a-f:.]+(%\w+)?)$/i, 'must be an address or a name, without scheme, port and brackets')
    .default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgresql://')
    .refine(
      isDatabaseUrl,
      'is not a URL; in user and password, write reserved characters as %23 for # (%2F /, %3F ?, %40 @, %25 %)',
    )
    .optional(),
  DATA_DIR: z.string().default('.data'),
  JWT_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= 32, 'must have at least 32 bytes')
    .optional(),
  JWT_JWKS_URL: z.url().optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().default('authenticated'),
  SECRETS_KEY: encryptionKey.optional(),
  SECRETS_KEY_PREVIOUS: encryptionKey.optional(),
  BASE_DOMAIN: z
    .string()
    .regex(DOMAIN, 'must be a domain in lower case, without scheme and port, with labels of up to 63 characters')
    .regex(/(^|\.)(?=[^.]*[a-z])[^.]+$/, 'must be a domain, not an address: VMs are on subdomains of it')
    .max(MAX_DOMAIN, `must have at most ${MAX_DOMAIN} characters, so that the names of VMs below it fit`)
    .default('localhost'),
  PUBLIC_SCHEME: z.enum(['http', 'https']).optional(),
  TLS_CERT: z.string().optional(),
  TLS_KEY: z.string().optional(),
  DOCKER_HOST: z.string().default('unix:///var/run/docker.sock'),
  REGIONS: z.string().optional(),
  REGIONS_FILE: z.string().optional(),
  ENGINE_CERTS: z.string().optional(),
  SWARM_CERTS: z.string().default('/var/lib/docker/swarm/certificates'),
  NODE_PATIENCE: z.string().default('30s'),
  ALLOW_PLAIN_TCP: z.enum(['0', '1']).default('0'),
  REGISTRY_AUTH_FILE: z.string().optional(),
  RUNTIMES: z.string().default(''),
  VM_ISOLATION: z.enum(['on', 'off']).default('on'),
  VM_EGRESS: z.enum(['internet', 'none']).default('internet'),
  CATALOG_FILE: z.string().optional(),
  PLANS_FILE: z.string().optional(),
  DEFAULT_PLAN: z.string().default('core'),
  DISK_WATERMARK: z.string().default('85%,20GB'),
  ROLES: z.string().default('api,ingress,reconciler'),
  TRUSTED_PROXIES: z.string().default(''),
  FORWARD_PORTS: z.string().default('30000-30999'),
  FORWARD_BIND: z
    .union([z.ipv4(), z.ipv6()], { error: "must be an address of the engine's host, such as 0.0.0.0" })
    .optional(),
  FORWARD_HOSTS: z.string().default(''),
  OPEN_ACCESS_MAX: z.string().default('12h'),
  AUDIT_DAYS: z.coerce.number().int().min(1).max(36_500).default(90),
  ALLOWED_ORIGINS: z.string().default(''),
  INTROSPECTION: z.enum(['0', '1']).optional(),
  PERSISTED_OPERATIONS: z.string().optional(),
  PERSISTED_OPERATIONS_ONLY: z.enum(['0', '1']).default('0'),
  RATE_PER_ACCOUNT: atLeastOne(100),
  RATE_PER_ADDRESS: atLeastOne(300),
  SOCKETS_PER_ACCOUNT: atLeastOne(10),
  SUBSCRIPTIONS_PER_SOCKET: atLeastOne(50),
  CONNECTIONS_PER_ADDRESS: atLeastOne(2_000),
  DASHBOARD: z.enum(['0', '1']).default('1'),
  OIDC_ISSUER: z.url({ protocol: /^https?$/ }).optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_SCOPES: z.string().default('openid profile email offline_access'),
  OIDC_NAME: z.string().optional(),
  OIDC_TOKEN: z.enum(['access', 'id']).default('access'),
  METRICS_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  ACCESS_LOG: z.enum(['0', '1']).default('0'),
  STRICT_REST: z.enum(['0', '1']).default('0'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().optional(),
});

/** The names of all variables. */
export const SETTINGS: readonly string[] = Object.keys(schema.shape);

/** The parsed variables, each valid on its own. */
export type Environment = z.output<typeof schema>;

/** Parses the variables. Throws one error that names every invalid variable and its format. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  // Empty variables count as unset.
  const result = schema.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (result.success) return result.data;
  throw new Error(result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}.`).join('\n'));
}

/**
 * Whether it is a URL whose parts are where they seem to be. A reserved character in the password would end the host
 * before it, so that a piece of the password were taken for a port, a path or a query.
 */
function isDatabaseUrl(text: string): boolean {
  // pg allows a user without a host, for a socket.
  const url = URL.parse(text.replace('@/', '@localhost/'));
  if (url === null || url.hash !== '' || `${url.pathname}${url.search}`.includes('@')) return false;
  try {
    decodeURIComponent(url.username + url.password);
    return true;
  } catch {
    return false;
  }
}
