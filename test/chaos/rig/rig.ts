import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Docker from 'dockerode';
import { signToken } from '../../../src/auth/jwt.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../../support/database/database-proxy.ts';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { ROOMY_LIMITS } from '../../support/gateway/roomy-limits.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { GatewaySlot } from './gateway-slot.ts';
import { OwnEngine } from './own-engine.ts';
import { OwnPostgres } from './own-postgres.ts';

export interface Account {
  readonly userId: string;
  readonly token: string;
}

/** Two gateways, their database, their engine, and the ways between them that can be disturbed. */
export interface Rig extends AsyncDisposable {
  readonly accounts: readonly Account[];
  readonly gateways: readonly GatewaySlot[];
  readonly database: OwnPostgres;
  readonly databaseProxy: DatabaseProxy;
  /** Undefined where it is this machine's, which is only disturbed on the way to it. */
  readonly engine: OwnEngine | undefined;
  readonly engineProxy: EngineProxy;
  /** Past the proxy. */
  readonly docker: Docker;
  /** Of whose containers and volumes everything else is told apart. */
  readonly installationId: string;
}

export interface RigOptions {
  /** It is made; its parent exists, and may be entered by every user. */
  readonly folder: string;
  readonly accounts: number;
  /** 'own' needs root, and network and mount namespaces of this process's own. */
  readonly engine: 'own' | 'machine';
}

/**
 * In the parent of a rig's folder: the ids of the installations that there were, to clean up after a
 * kill.
 */
export const INSTALLATIONS = 'installations';

/** What an account may have at once. */
export const PLAN = { code: 'chaos', name: 'Chaos', cpu: 6, ram: 8, storageGb: 1, concurrentVms: 5, vms: 30 } as const;

const JWT_SECRET = 'a secret of the chaos rig, longer than 32 bytes';
const TOKEN_SECONDS = 24 * 3_600;

/** Starts everything. What was started before a part fails is ended again. */
export async function createRig({ folder, accounts: count, engine: kind }: RigOptions): Promise<Rig> {
  await using parts = new AsyncDisposableStack();
  const signal = AbortSignal.timeout(120_000);
  // PostgreSQL runs as another user.
  await mkdir(folder, { mode: 0o711 });
  const engine =
    kind === 'own'
      ? parts.use(await OwnEngine.create(path.join(folder, 'engine'), path.basename(path.dirname(folder))))
      : undefined;
  const socketPath = engine?.socketPath ?? '/var/run/docker.sock';
  const docker = new Docker({ socketPath });
  const image = await testImage(docker);
  const database = parts.use(await OwnPostgres.create(path.join(folder, 'postgres'), signal));
  const databaseProxy = parts.use(await openDatabaseProxy(database.url));
  const engineProxy = parts.use(await openEngineProxy(socketPath));

  const catalogFile = path.join(folder, 'catalog.json');
  await writeFile(
    catalogFile,
    JSON.stringify({
      distributions: [{ code: 'ubuntu', image, defaultPort: 3000, stopGraceSeconds: 2, bootSeconds: 20 }],
    }),
  );
  const plansFile = path.join(folder, 'plans.json');
  await writeFile(plansFile, JSON.stringify({ plans: [PLAN] }));
  const env = {
    DATABASE_URL: databaseProxy.url,
    REGIONS: `AU=${engineProxy.endpoint}`,
    CATALOG_FILE: catalogFile,
    PLANS_FILE: plansFile,
    DEFAULT_PLAN: PLAN.code,
    JWT_SECRET,
    SECRETS_KEY: Buffer.alloc(32, 5).toString('base64'),
    FORWARD_PORTS: '38000-38099',
    // A small disk is not a full one.
    DISK_WATERMARK: '1GB',
    ...ROOMY_LIMITS,
  };
  const gateways: GatewaySlot[] = [];
  for (const name of ['gateway-1', 'gateway-2']) {
    const dataDir = path.join(folder, name);
    await mkdir(dataDir);
    const gateway = parts.use(new GatewaySlot(name, { ...env, DATA_DIR: dataDir }));
    await gateway.start();
    gateways.push(gateway);
  }
  const [installation] = await database.query<{ id: string }>('select id from installation');
  await appendFile(path.join(folder, '..', INSTALLATIONS), `${installation?.id}\n`);
  const accounts = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const userId = `account-${index + 1}`;
      return {
        userId,
        token: await signToken(
          { userId, ttlSeconds: TOKEN_SECONDS },
          { secret: JWT_SECRET, audience: 'authenticated' },
        ),
      };
    }),
  );
  const held = parts.move();
  return {
    accounts,
    gateways,
    database,
    databaseProxy,
    engine,
    engineProxy,
    docker,
    installationId: installation?.id ?? '',
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
