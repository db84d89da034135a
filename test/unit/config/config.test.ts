import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BlockList } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../../src/config/read-config.ts';

const SECRET = 'x'.repeat(32);
const KEY = Buffer.alloc(32, 7).toString('base64');
const SOCKET = 'unix:///var/run/docker.sock';

it('the defaults are a gateway on this machine only', () => {
  expect(readConfig({})).toEqual({
    host: '127.0.0.1',
    port: 4000,
    databaseUrl: undefined,
    dataDir: '.data',
    jwt: { audience: 'authenticated' },
    secretsKey: undefined,
    previousSecretsKey: undefined,
    baseDomain: 'localhost',
    publicScheme: 'http',
    tls: undefined,
    regions: {
      regions: new Map([
        ['AU', SOCKET],
        ['US', SOCKET],
      ]),
      runtimes: new Map(),
      hosts: new Map([
        ['AU', 'localhost'],
        ['US', 'localhost'],
      ]),
    },
    regionSource: {
      REGIONS: undefined,
      REGIONS_FILE: undefined,
      DOCKER_HOST: SOCKET,
      ALLOW_PLAIN_TCP: '0',
      RUNTIMES: '',
      FORWARD_HOSTS: '',
      BASE_DOMAIN: 'localhost',
    },
    swarmCertificates: '/var/lib/docker/swarm/certificates',
    nodePatienceMs: 30_000,
    isolation: 'on',
    egress: 'internet',
    catalogFile: undefined,
    plansFile: undefined,
    defaultPlan: 'core',
    diskWatermark: { usedPercent: 85, freeBytes: 20 * 2 ** 30 },
    roles: new Set(['api', 'ingress', 'reconciler']),
    trustedProxies: new BlockList(),
    forward: {
      from: 30_000,
      to: 30_999,
      bind: '127.0.0.1',
    },
    auditDays: 90,
    maxAccessMs: 12 * 60 * 60 * 1000,
    dashboard: { oidc: undefined },
    allowedOrigins: new Set(),
    introspection: true,
    persistedOperations: undefined,
    limits: {
      ratePerAccount: 100,
      ratePerAddress: 300,
      socketsPerAccount: 10,
      subscriptionsPerSocket: 50,
      connectionsPerAddress: 2_000,
    },
    strictRest: false,
    metricsPort: undefined,
    accessLog: false,
    logLevel: 'info',
    production: false,
  });
});

it('an empty variable counts as unset', () => {
  expect(readConfig({ PORT: '', DATABASE_URL: '', JWT_SECRET: '', REGIONS: '', ROLES: '', NODE_ENV: '' })).toEqual(
    readConfig({}),
  );
});

it('every variable sets its field', () => {
  const config = readConfig({
    HOST: '0.0.0.0',
    PORT: '0',
    DATABASE_URL: 'postgres://gateway@db/swiftor',
    DATA_DIR: '/var/lib/swiftor',
    JWT_SECRET: SECRET,
    JWT_ISSUER: 'https://id.swiftor.io',
    JWT_AUDIENCE: 'vms',
    SECRETS_KEY: KEY,
    BASE_DOMAIN: 'vms.swiftor.io',
    CATALOG_FILE: 'catalog.json',
    PLANS_FILE: 'plans.json',
    DEFAULT_PLAN: 'hacker',
    STRICT_REST: '1',
    METRICS_PORT: '9464',
    ACCESS_LOG: '1',
    VM_ISOLATION: 'on',
    VM_EGRESS: 'none',
    LOG_LEVEL: 'debug',
    NODE_ENV: 'production',
  });
  expect(config).toMatchObject({
    host: '0.0.0.0',
    port: 0,
    databaseUrl: 'postgres://gateway@db/swiftor',
    dataDir: '/var/lib/swiftor',
    jwt: { secret: SECRET, issuer: 'https://id.swiftor.io', audience: 'vms' },
    secretsKey: KEY,
    baseDomain: 'vms.swiftor.io',
    catalogFile: 'catalog.json',
    plansFile: 'plans.json',
    defaultPlan: 'hacker',
    strictRest: true,
    metricsPort: 9464,
    accessLog: true,
    isolation: 'on',
    egress: 'none',
    logLevel: 'debug',
    production: true,
  });
});

it.each([
  [{}, 'http'],
  [{ BASE_DOMAIN: 'vms.localhost' }, 'http'],
  [{ BASE_DOMAIN: 'swiftor.io' }, 'https'],
  [{ BASE_DOMAIN: 'notlocalhost' }, 'https'],
  [{ BASE_DOMAIN: 'swiftor.io', PUBLIC_SCHEME: 'http' }, 'http'],
  [{ PUBLIC_SCHEME: 'https' }, 'https'],
  [{ TLS_CERT: 'cert.pem', TLS_KEY: 'key.pem' }, 'https'],
])('the public scheme of %j is %s', (env, scheme) => {
  expect(readConfig(env).publicScheme).toBe(scheme);
});

describe('RUNTIMES', () => {
  it('maps region codes to container runtimes', () => {
    expect(
      Object.fromEntries(readConfig({ RUNTIMES: ' AU=runsc , US=io.containerd.kata.v2, ' }).regions.runtimes),
    ).toEqual({
      AU: 'runsc',
      US: 'io.containerd.kata.v2',
    });
  });

  it.each([
    ['AU', 'RUNTIMES has "AU"; each entry is CODE=RUNTIME'],
    ['AU=', 'RUNTIMES has "AU="; each entry is CODE=RUNTIME'],
    ['AU=run sc', 'RUNTIMES has "AU=run sc"; each entry is CODE=RUNTIME'],
    ['NZ=runsc', 'RUNTIMES names the region "NZ", which is not in REGIONS: AU, US.'],
    ['AU=runc,AU=runsc', 'RUNTIMES names "AU" twice.'],
  ])('"%s" is refused', (text, message) => {
    expect(() => readConfig({ RUNTIMES: text })).toThrow(message);
  });
});

it('VM_EGRESS=none without isolation is refused', () => {
  expect(readConfig({ VM_ISOLATION: 'off' }).isolation).toBe('off');
  expect(() => readConfig({ VM_ISOLATION: 'off', VM_EGRESS: 'none' })).toThrow('VM_EGRESS=none needs VM_ISOLATION=on');
});

it.each([{ VM_ISOLATION: 'no' }, { VM_EGRESS: 'lan' }])('%j is refused by the name of the variable', (env) => {
  expect(() => readConfig(env)).toThrow(new RegExp(`^${Object.keys(env)[0]} .*expected one of`));
});

it.each([
  [{ TLS_CERT: 'cert.pem' }, 'Set TLS_CERT and TLS_KEY, both or none.'],
  [{ TLS_KEY: 'key.pem' }, 'Set TLS_CERT and TLS_KEY, both or none.'],
  [{ TLS_CERT: 'cert.pem', TLS_KEY: 'key.pem', PUBLIC_SCHEME: 'http' }, 'PUBLIC_SCHEME is http, but'],
])('TLS of its own is refused as %j', (env, message) => {
  expect(() => readConfig(env)).toThrow(message);
});

describe('REGIONS', () => {
  const regions = (env: Record<string, string>) => Object.fromEntries(readConfig(env).regions.regions);

  it('maps each code to its endpoint, and ignores blanks and a trailing comma', () => {
    expect(
      regions({ REGIONS: ' AU=unix:///run/au.sock , EU-1=tls://10.0.0.7:2376,LAB=swarm+tcp://localhost:2375, ' }),
    ).toEqual({
      AU: 'unix:///run/au.sock',
      'EU-1': 'tls://10.0.0.7:2376',
      LAB: 'swarm+tcp://localhost:2375',
    });
  });

  it('defaults to AU and US on DOCKER_HOST, and overrides DOCKER_HOST', () => {
    expect(regions({ DOCKER_HOST: 'ssh://me@10.0.0.7' })).toEqual({
      AU: 'ssh://me@10.0.0.7',
      US: 'ssh://me@10.0.0.7',
    });
    expect(regions({ DOCKER_HOST: 'tcp://10.0.0.7:2375', REGIONS: `AU=${SOCKET}` })).toEqual({ AU: SOCKET });
  });

  it.each([
    'AU',
    'AU=',
    `=${SOCKET}`,
    'AU=docker',
    'AU=http://10.0.0.7:2375',
    'A_U=tcp://a:1',
    `${'A'.repeat(17)}=tcp://a:1`,
  ])('is refused with the entry "%s" in it', (entry) => {
    expect(() => readConfig({ REGIONS: `US=${SOCKET},${entry}` })).toThrow(
      `REGIONS has "${entry}"; each entry is CODE=ENDPOINT`,
    );
  });

  it.each([
    'tcp://10.0.0.7:2375',
    'tcp://engine.example:2375',
    'tcp://[fd00::7]:2375',
    'TCP://127.0.0.1.example:1',
    'swarm+tcp://10.0.0.7:2375',
  ])('is refused with plain TCP to %s, unless that is allowed', (endpoint) => {
    expect(() => readConfig({ REGIONS: `AU=${endpoint}` })).toThrow(/ALLOW_PLAIN_TCP=1/);
    expect(regions({ REGIONS: `AU=${endpoint}`, ALLOW_PLAIN_TCP: '1' })).toEqual({ AU: endpoint });
  });

  it.each(['tcp://127.0.0.1:2375', 'tcp://127.8.9.10:1', 'tcp://localhost:2375', 'tcp://[::1]:2375'])(
    'takes plain TCP to %s, which stays on this machine',
    (endpoint) => expect(regions({ REGIONS: `AU=${endpoint}` })).toEqual({ AU: endpoint }),
  );

  it('is refused if it names a region twice, or none', () => {
    expect(() => readConfig({ REGIONS: `AU=${SOCKET},AU=tcp://10.0.0.7:2375` })).toThrow('REGIONS names "AU" twice');
    expect(() => readConfig({ REGIONS: ' , ' })).toThrow('REGIONS names no region');
  });

  it('is read from the lines of REGIONS_FILE, which may have comments', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-regions-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'regions');
    await writeFile(file, `# Sydney, then Frankfurt\nAU=${SOCKET}\n\n  EU=tls://10.0.0.7:2376  \r\n#US=tcp://a:1\n`);
    expect(regions({ REGIONS_FILE: file })).toEqual({ AU: SOCKET, EU: 'tls://10.0.0.7:2376' });
    expect(() => readConfig({ REGIONS_FILE: file, REGIONS: `AU=${SOCKET}` })).toThrow(
      'Set REGIONS or REGIONS_FILE, not both.',
    );
    expect(() => readConfig({ REGIONS_FILE: file, RUNTIMES: 'US=runsc' })).toThrow('RUNTIMES names the region "US"');
    await writeFile(file, 'AU');
    expect(() => readConfig({ REGIONS_FILE: file })).toThrow('REGIONS_FILE has "AU"; each entry is CODE=ENDPOINT');
    await writeFile(file, '# none\n');
    expect(() => readConfig({ REGIONS_FILE: file })).toThrow('REGIONS_FILE names no region');
    expect(() => readConfig({ REGIONS_FILE: `${file}.gone` })).toThrow(/REGIONS_FILE ".*" cannot be read: ENOENT/);
  });
});

it('introspection is off in production and on otherwise, unless it is set', () => {
  const production = { NODE_ENV: 'production', SECRETS_KEY: KEY, JWT_SECRET: SECRET };
  const on = (env: Record<string, string>): boolean => readConfig(env).introspection;
  expect([on({}), on({ INTROSPECTION: '0' }), on(production), on({ ...production, INTROSPECTION: '1' })]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

it('limits and origins set their fields', () => {
  const { limits, allowedOrigins, persistedOperations } = readConfig({
    ALLOWED_ORIGINS: 'https://app.example.org, http://localhost:5173,',
    PERSISTED_OPERATIONS: 'operations.json',
    PERSISTED_OPERATIONS_ONLY: '1',
    RATE_PER_ACCOUNT: '1',
    RATE_PER_ADDRESS: '2',
    SOCKETS_PER_ACCOUNT: '3',
    SUBSCRIPTIONS_PER_SOCKET: '4',
    CONNECTIONS_PER_ADDRESS: '5',
  });
  expect(allowedOrigins).toEqual(new Set(['https://app.example.org', 'http://localhost:5173']));
  expect(persistedOperations).toEqual({ file: 'operations.json', only: true });
  expect(limits).toEqual({
    ratePerAccount: 1,
    ratePerAddress: 2,
    socketsPerAccount: 3,
    subscriptionsPerSocket: 4,
    connectionsPerAddress: 5,
  });
});

describe('ROLES', () => {
  it('accept a list in any order, with blanks', () => {
    expect(readConfig({ ROLES: 'reconciler, api' }).roles).toEqual(new Set(['api', 'reconciler']));
  });

  it.each(['api,web', ',', 'API'])('are refused as "%s", with those there are', (roles) => {
    expect(() => readConfig({ ROLES: roles })).toThrow(
      `ROLES has "${roles}"; it must be a list of api, ingress, reconciler`,
    );
  });
});

it.each([
  ['PORT', 'http'],
  ['PORT', '-1'],
  ['PORT', '65536'],
  ['PORT', '80.5'],
  ['DATABASE_URL', 'mysql://db/swiftor'],
  ['JWT_SECRET', 'x'.repeat(31)],
  ['JWT_JWKS_URL', 'keys.json'],
  ['SECRETS_KEY', Buffer.alloc(31).toString('base64')],
  ['SECRETS_KEY', Buffer.alloc(33).toString('base64')],
  ['SECRETS_KEY_PREVIOUS', Buffer.alloc(31).toString('base64')],
  ['BASE_DOMAIN', 'https://swiftor.io'],
  ['BASE_DOMAIN', 'swiftor.io:443'],
  ['BASE_DOMAIN', 'Swiftor.io'],
  ['BASE_DOMAIN', '.swiftor.io'],
  ['BASE_DOMAIN', '192.168.1.5'],
  ['BASE_DOMAIN', `${'a'.repeat(70)}.io`],
  ['BASE_DOMAIN', `${'abcdefghi.'.repeat(19)}io`],
  ['BASE_DOMAIN', 'swiftor-.io'],
  ['HOST', '[::1]'],
  ['HOST', 'http://127.0.0.1'],
  ['DOCKER_HOST', 'http://engine'],
  ['DOCKER_HOST', 'npipe:////./pipe/docker_engine'],
  ['PUBLIC_SCHEME', 'ftp'],
  ['TRUSTED_PROXIES', '10.0.0.0/8,proxy.internal'],
  ['AUDIT_DAYS', '0'],
  ['ALLOWED_ORIGINS', 'app.example.org'],
  ['ALLOWED_ORIGINS', 'https://app.example.org/'],
  ['INTROSPECTION', 'yes'],
  ['PERSISTED_OPERATIONS_ONLY', '1'],
  ['RATE_PER_ACCOUNT', '0'],
  ['RATE_PER_ADDRESS', '1.5'],
  ['SOCKETS_PER_ACCOUNT', 'many'],
  ['SUBSCRIPTIONS_PER_SOCKET', '0'],
  ['CONNECTIONS_PER_ADDRESS', '-1'],
  ['FORWARD_PORTS', '30999-30000'],
  ['FORWARD_PORTS', '80-90'],
  ['FORWARD_PORTS', '30000-70000'],
  ['FORWARD_PORTS', 'all'],
  ['FORWARD_BIND', 'eth0'],
  ['FORWARD_HOSTS', 'play.example.com'],
  ['FORWARD_HOSTS', 'EU=play.example.com'],
  ['STRICT_REST', 'yes'],
  ['LOG_LEVEL', 'loud'],
])('%s=%s is refused by the name of the variable', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name} `));
});

it('the length of JWT_SECRET counts in bytes, not in characters', () => {
  expect(readConfig({ JWT_SECRET: 'ü'.repeat(16) }).jwt.secret).toBe('ü'.repeat(16));
});

it('one error names every invalid variable', () => {
  expect(() => readConfig({ PORT: 'http', LOG_LEVEL: 'loud', JWT_SECRET: 'short' })).toThrow(
    /PORT[^]*JWT_SECRET[^]*LOG_LEVEL/,
  );
});

it('no error contains a secret', () => {
  const secrets = { JWT_SECRET: 'hunter2', SECRETS_KEY: 'hunter2', DATABASE_URL: 'mysql://gateway:hunter2@db/swiftor' };
  for (const [name, value] of Object.entries(secrets)) {
    expect(() => readConfig({ [name]: value })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  }
});

it.each(['hun#ter2', '12#ter2', 'hun/ter2', '12/ter2', 'hun?ter2', '12?ter2', 'hun%ter2'])(
  'a reserved character in the password of DATABASE_URL is refused by its name, without the password: %s',
  (password) => {
    const refused = expect(() => readConfig({ DATABASE_URL: `postgresql://gateway:${password}@db:5432/swiftor` }));
    refused.toThrow(/^DATABASE_URL is not a URL; (?!.*ter2)/);
  },
);

it.each([
  'postgresql://gateway:hun%23ter2@db:5432/swiftor?sslmode=require',
  'postgres://db/swiftor',
  'postgresql:///swiftor?host=/var/run/postgresql',
  'postgresql://gateway@/swiftor?host=/var/run/postgresql',
  'postgresql://gateway:hunter2@[::1]:5432/swiftor',
])('DATABASE_URL may be %s', (url) => {
  expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
});

it.each(['127.0.0.1', '::1', '::', '0.0.0.0', 'localhost', 'fe80::1%eth0', 'gateway.internal'])(
  'HOST may be %s',
  (host) => {
    expect(readConfig({ HOST: host }).host).toBe(host);
  },
);

it('JWT_SECRET and JWT_JWKS_URL together are refused', () => {
  expect(() => readConfig({ JWT_SECRET: SECRET, JWT_JWKS_URL: 'https://id.swiftor.io/keys' })).toThrow(
    'JWT_SECRET or JWT_JWKS_URL, not both',
  );
});

it('production requires keys', () => {
  const production = { NODE_ENV: 'production' };
  expect(() => readConfig({ ...production, JWT_SECRET: SECRET })).toThrow('SECRETS_KEY must be set');
  expect(() => readConfig({ ...production, SECRETS_KEY: KEY })).toThrow('JWT_SECRET or JWT_JWKS_URL must be set');
  expect(readConfig({ ...production, SECRETS_KEY: KEY, JWT_SECRET: SECRET }).production).toBe(true);
  const jwksUrl = 'https://id.swiftor.io/keys';
  expect(readConfig({ ...production, SECRETS_KEY: KEY, JWT_JWKS_URL: jwksUrl }).jwt).toEqual({
    jwksUrl,
    audience: 'authenticated',
  });
});

it('a config is frozen', () => {
  expect(Object.isFrozen(readConfig({}))).toBe(true);
});

it.each([
  ['Set OIDC_ISSUER and OIDC_CLIENT_ID', { OIDC_ISSUER: 'https://issuer.test' }],
  ['needs JWT_JWKS_URL', { OIDC_ISSUER: 'https://issuer.test', OIDC_CLIENT_ID: 'page' }],
  [
    'OIDC_ISSUER and JWT_ISSUER differ',
    {
      OIDC_ISSUER: 'https://issuer.test',
      OIDC_CLIENT_ID: 'page',
      JWT_JWKS_URL: 'https://issuer.test/jwks',
      JWT_ISSUER: 'https://other.test',
    },
  ],
])('OpenID Connect that cannot work is refused: %s', (message, env) => {
  expect(() => readConfig(env)).toThrow(message);
});
