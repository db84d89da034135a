import { isIP, type BlockList } from 'node:net';
import { splitList } from '../lib/split-list.ts';
import { ROLES, type Config, type Role } from './config.ts';
import { parseDiskWatermark, type DiskWatermark } from './disk-watermark.ts';
import { readEnvironment, type Environment } from './environment.ts';
import { readOidcClient } from './oidc-client.ts';
import { parseDuration } from './parse-duration.ts';
import { parseNetworks } from './parse-networks.ts';
import { parsePortRange } from './parse-port-range.ts';
import { readRegions, regionSourceOf } from './read-regions.ts';

/**
 * Reads the settings from the environment. Throws an error that names each invalid or conflicting setting and the fix.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const values = readEnvironment(env);
  const production = values.NODE_ENV === 'production';
  if (values.JWT_SECRET !== undefined && values.JWT_JWKS_URL !== undefined) {
    throw new Error(
      'Set JWT_SECRET or JWT_JWKS_URL, not both: a token signed with one could be accepted as one of the other.',
    );
  }
  if (production && values.SECRETS_KEY === undefined)
    throw new Error('SECRETS_KEY must be set with NODE_ENV=production: openssl rand -base64 32');
  if (production && values.JWT_SECRET === undefined && values.JWT_JWKS_URL === undefined) {
    throw new Error('JWT_SECRET or JWT_JWKS_URL must be set with NODE_ENV=production.');
  }
  if (values.VM_ISOLATION === 'off' && values.VM_EGRESS === 'none') {
    throw new Error('VM_EGRESS=none needs VM_ISOLATION=on: without isolation VMs can reach the internet.');
  }
  const regionSource = regionSourceOf(values);
  const regions = readRegions(regionSource);
  if (values.PERSISTED_OPERATIONS_ONLY === '1' && values.PERSISTED_OPERATIONS === undefined) {
    throw new Error('PERSISTED_OPERATIONS_ONLY needs PERSISTED_OPERATIONS, the file of the allowed operations.');
  }
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    databaseUrl: values.DATABASE_URL,
    dataDir: values.DATA_DIR,
    jwt: {
      ...(values.JWT_SECRET !== undefined && { secret: values.JWT_SECRET }),
      ...(values.JWT_JWKS_URL !== undefined && { jwksUrl: values.JWT_JWKS_URL }),
      ...(values.JWT_ISSUER !== undefined && { issuer: values.JWT_ISSUER }),
      audience: values.JWT_AUDIENCE,
    },
    secretsKey: values.SECRETS_KEY,
    previousSecretsKey: values.SECRETS_KEY_PREVIOUS,
    baseDomain: values.BASE_DOMAIN,
    publicScheme:
      values.PUBLIC_SCHEME ?? (values.TLS_CERT !== undefined || !isOwnMachine(values.BASE_DOMAIN) ? 'https' : 'http'),
    tls: tlsOf(values),
    regions,
    regionSource,
    engineCertificates: values.ENGINE_CERTS,
    swarmCertificates: values.SWARM_CERTS,
    nodePatienceMs: values.NODE_PATIENCE === '0' ? 0 : readMs('NODE_PATIENCE', values.NODE_PATIENCE),
    registryAuthFile: values.REGISTRY_AUTH_FILE,
    isolation: values.VM_ISOLATION,
    egress: values.VM_EGRESS,
    catalogFile: values.CATALOG_FILE,
    plansFile: values.PLANS_FILE,
    defaultPlan: values.DEFAULT_PLAN,
    diskWatermark: readWatermark(values.DISK_WATERMARK),
    roles: parseRoles(values.ROLES),
    forward: {
      ...parseForwardPorts(values.FORWARD_PORTS),
      bind: values.FORWARD_BIND ?? (isIP(values.HOST) === 0 ? '127.0.0.1' : values.HOST),
    },
    trustedProxies: parseTrustedProxies(values.TRUSTED_PROXIES),
    maxAccessMs: readMs('OPEN_ACCESS_MAX', values.OPEN_ACCESS_MAX),
    auditDays: values.AUDIT_DAYS,
    allowedOrigins: parseOrigins(values.ALLOWED_ORIGINS),
    introspection: values.INTROSPECTION === undefined ? !production : values.INTROSPECTION === '1',
    persistedOperations:
      values.PERSISTED_OPERATIONS === undefined
        ? undefined
        : { file: values.PERSISTED_OPERATIONS, only: values.PERSISTED_OPERATIONS_ONLY === '1' },
    limits: {
      ratePerAccount: values.RATE_PER_ACCOUNT,
      ratePerAddress: values.RATE_PER_ADDRESS,
      socketsPerAccount: values.SOCKETS_PER_ACCOUNT,
      subscriptionsPerSocket: values.SUBSCRIPTIONS_PER_SOCKET,
      connectionsPerAddress: values.CONNECTIONS_PER_ADDRESS,
    },
    dashboard: values.DASHBOARD === '1' ? { oidc: readOidcClient(values) } : undefined,
    strictRest: values.STRICT_REST === '1',
    metricsPort: values.METRICS_PORT,
    accessLog: values.ACCESS_LOG === '1',
    logLevel: values.LOG_LEVEL,
    production,
  });
}

/** Browsers resolve these names to their own machine. */
function isOwnMachine(domain: string): boolean {
  return domain === 'localhost' || domain.endsWith('.localhost');
}

function tlsOf({ TLS_CERT, TLS_KEY, PUBLIC_SCHEME }: Environment): Config['tls'] {
  if (TLS_CERT === undefined && TLS_KEY === undefined) return undefined;
  if (TLS_CERT === undefined || TLS_KEY === undefined) throw new Error('Set TLS_CERT and TLS_KEY, both or none.');
  if (PUBLIC_SCHEME === 'http')
    throw new Error(
      'PUBLIC_SCHEME is http, but with TLS_CERT and TLS_KEY the gateway speaks https only; leave it out.',
    );
  return { certFile: TLS_CERT, keyFile: TLS_KEY };
}

function parseOrigins(text: string): ReadonlySet<string> {
  const origins = splitList(text);
  for (const origin of origins) {
    if (origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
      throw new Error(
        `ALLOWED_ORIGINS has "${origin}"; each entry is an origin such as https://app.example.org, or * for all.`,
      );
    }
  }
  return new Set(origins);
}

function parseForwardPorts(text: string): ReturnType<typeof parsePortRange> {
  try {
    return parsePortRange(text);
  } catch (error) {
    throw new Error(`FORWARD_PORTS has ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function parseTrustedProxies(text: string): BlockList {
  try {
    return parseNetworks(text);
  } catch (error) {
    throw new Error(`TRUSTED_PROXIES has ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function readWatermark(text: string): DiskWatermark {
  const watermark = parseDiskWatermark(text);
  if (watermark === undefined)
    throw new Error(`DISK_WATERMARK has "${text}"; it must be 85%, 20GB, or 85%,20GB to require both.`);
  return watermark;
}

function readMs(setting: string, text: string): number {
  try {
    return parseDuration(text) * 1_000;
  } catch (error) {
    throw new Error(`${setting} has ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function parseRoles(text: string): ReadonlySet<Role> {
  const names = splitList(text);
  const roles = ROLES.filter((role) => names.includes(role));
  const unknown = names.filter((name) => !(ROLES as readonly string[]).includes(name));
  if (unknown.length > 0 || roles.length === 0)
    throw new Error(`ROLES has "${text}"; it must be a list of ${ROLES.join(', ')}.`);
  return new Set(roles);
}
