import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import type { AddressInfo } from 'node:net';
import { createAccountSockets } from './auth/account-sockets.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { createVerifyToken } from './auth/jwt.ts';
import { createRateLimits } from './auth/rate-limits.ts';
import { cacheTokens } from './auth/cache-tokens.ts';
import { loadCatalog } from './catalog/catalog.ts';
import type { Config } from './config/config.ts';
import { createDatabase, LONG_ANSWER_MS } from './db/database.ts';
import { startEmbeddedPostgres } from './db/embedded/embedded-postgres.ts';
import { listenerName } from './secrets/gateway-keys.ts';
import { readInstallation } from './secrets/installation.ts';
import { createListener } from './db/listen.ts';
import { migrateToLatest } from './db/migrate.ts';
import type { EngineDriver } from './engine/driver.ts';
import { openEngines } from './engine/open-engines.ts';
import { EventStreams } from './events/event-streams.ts';
import { BootProgress } from './events/boot-progress.ts';
import { Gateway } from './graphql/pipeline/gateway.ts';
import { GraphqlHttp } from './graphql/transports/graphql-http.ts';
import { createGraphqlWs } from './graphql/transports/graphql-ws.ts';
import { loadPersistedOperations } from './graphql/pipeline/persisted-operations.ts';
import { VmIngress } from './ingress/vm-ingress.ts';
import { listenServer } from './http/listen-server.ts';
import { clientAddress } from './http/client-address.ts';
import { acquireDataDirLock } from './lib/data-dir-lock.ts';
import { createOutageLog } from './lib/outage-log.ts';
import { readTlsPair } from './http/tls-files.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { toEngineHealth, withDisk, withOrphans } from './reconciler/watch/engine-health.ts';
import { EngineWatch } from './reconciler/watch/engine-watch.ts';
import { FactsWatch } from './reconciler/watch/facts-watch.ts';
import { runHousekeeping } from './reconciler/watch/housekeeping.ts';
import type { MachinePolicy } from './reconciler/plan/machine-spec.ts';
import { ReconcileLoop } from './reconciler/reconcile-loop.ts';
import { StorageWatch } from './reconciler/watch/storage-watch.ts';
import { RestHandler } from './rest/rest-handler.ts';
import { Router } from './router.ts';
import { readKeys } from './secrets/keys.ts';
import { NOTHING_LEARNED, type EngineFacts } from './vm/engine-facts.ts';
import type { PublicAddress } from './vm/networking/mapping.ts';
import { createSecretBox } from './secrets/secret-box.ts';
import { clearLeases } from './reconciler/iteration/vm-lease.ts';
import { createVmTelemetry } from './vm/vm-telemetry.ts';

/** Leaves time for all else that is released within the 10 s that many supervisors give. */
const DRAIN_MS = 8_000;
/** How long requests that were taken may wait for a database that is slow; then its pool gives statements up early. */
const PATIENT_MS = 3_000;

export interface Server {
  readonly address: AddressInfo;
  /** Drains and releases everything, in the reverse order of its making. */
  close(): Promise<void>;
}

export interface ServerOptions {
  /** How long a container or volume is without a row before it counts as an orphan; 60 s. */
  readonly orphanGraceMs?: number;
}

/** Builds every part in order and listens. What was made before a part fails is released again. */
export async function startServer(config: Config, log: Log, signal: AbortSignal, { orphanGraceMs }: ServerOptions = {}): Promise<Server> {
  await using parts = new AsyncDisposableStack();

  // Before anything is begun: what is wrong with it is told at once.
  if (config.tls !== undefined) await readTlsPair(config.tls);
  const lock = await acquireDataDirLock(config.dataDir);
  parts.defer(() => lock.release());
  const catalog = await loadCatalog({ ...config, regions: [...config.regions.keys()] });
  const persisted =
    config.persistedOperations && (await loadPersistedOperations(config.persistedOperations.file, config.persistedOperations));
  const keys = await readKeys(config);

  const embedded = config.databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir: config.dataDir, log, signal }) : undefined;
  if (embedded !== undefined) parts.defer(() => embedded.stop());
  const url = config.databaseUrl ?? embedded?.url ?? '';
  await migrateToLatest(url, log);
  const outage = createOutageLog(log, 'the database');
  const ending = new AbortController();
  const db = createDatabase(url, { outage, ending: ending.signal });
  parts.defer(() => db.destroy());
  const { id: installationId, keys: ownKeys, rotationDue } = await readInstallation(db, keys.keyRing);
  if (rotationDue) log.info('secrets are still sealed with SECRETS_KEY_PREVIOUS; npm run secrets:rotate, then it can go');
  const secretBox = createSecretBox(keys.keyRing, ownKeys);
  // Nobody else can have this database: whatever leases are left are those of a gateway that was killed.
  if (embedded !== undefined) await clearLeases(db);
  const listener = await createListener({ url, outage, name: listenerName(keys.keyRing) });
  parts.defer(() => listener.close());
  const loops = new Map([['listening for changes', listener.answeredAt]]);

  const engines = openEngines(config.regions, { installationId, log, isolation: config.isolation });
  parts.defer(() => engines.close());
  const driverOf = (region: string) => {
    const driver = engines.drivers.get(region);
    if (driver === undefined) throw new Error(`The region "${region}" is not in REGIONS any more; put it back, or delete its VMs first.`);
    return driver;
  };
  const watches = new Map(
    engines.endpoints.map(({ driver, regions }) => {
      return [driver, new EngineWatch({ driver, regions }, { db, log, ...(orphanGraceMs !== undefined && { orphanGraceMs }) })] as const;
    }),
  );
  parts.defer(async () => void (await Promise.all([...watches.values()].map((watch) => watch.close()))));
  const watchOf = (region: string) => watches.get(driverOf(region));
  const isAnswering = (region: string): boolean => engines.drivers.has(region) && watchOf(region)?.isAnswering() === true;
  const learned = new Map(engines.endpoints.map((engine) => [engine.driver, new FactsWatch(engine, { db, catalog, log })] as const));
  parts.defer(async () => void (await Promise.all([...learned.values()].map((watch) => watch.close()))));
  const storage = new Map<EngineDriver, StorageWatch>();
  const orphansOf = (region: string): number => watchOf(region)?.orphans() ?? 0;
  const healthOf = (region: string) => {
    const health = watchOf(region)?.health() ?? toEngineHealth(false, undefined);
    return withOrphans(withDisk(health, storage.get(driverOf(region))?.isFull === true), orphansOf(region));
  };

  const factsOf = (region: string): EngineFacts => {
    const driver = engines.drivers.get(region);
    if (driver === undefined) return { ...NOTHING_LEARNED, problem: 'ENGINE_UNREACHABLE' };
    return { ...(learned.get(driver)?.facts ?? NOTHING_LEARNED), problem: healthOf(region).problem };
  };

  const policyOf = (region: string): MachinePolicy => {
    const runtime = config.runtimes.get(region);
    return { egress: config.egress, ...(runtime !== undefined && { runtime }) };
  };

  let loop: { close(): Promise<void> } | undefined;
  if (config.roles.has('reconciler')) {
    const regions = [...config.regions.keys()];
    const owner = `${hostname()}-${process.pid}-${randomUUID()}`;
    for (const { driver, regions: codes } of engines.endpoints) {
      storage.set(driver, new StorageWatch({ driver, regions: codes }, { db, catalog, log, watermark: config.diskWatermark }));
    }
    parts.defer(async () => void (await Promise.all([...storage.values()].map((watch) => watch.close()))));
    const running = new ReconcileLoop({
      db,
      listener,
      catalog,
      secretBox,
      forward: config.forward,
      log,
      driverOf,
      policyOf,
      owner,
      regions,
      isAway: (region) => !isAnswering(region),
      hasRoom: async (region) => (await storage.get(driverOf(region))?.hasRoom()) !== false,
    });
    loop = running;
    parts.defer(() => running.close());
    loops.set('claiming due VMs', () => running.claimedAt).set('extending leases', () => running.heartbeatAt);
    // Deletes what is old of whole tables.
    const patient = createDatabase(url, { max: 1, answerMs: LONG_ANSWER_MS, outage, ending: ending.signal });
    parts.defer(() => patient.destroy());
    const chores = runHousekeeping({ db: patient, auditDays: config.auditDays, log }, ending.signal);
    parts.defer(() => chores);
  }

  const bootProgress = new BootProgress(listener);
  const streams = new EventStreams({ db, listener, bootProgress, log });
  parts.defer(() => streams.close());
  const verifyToken = createVerifyToken({ ...config.jwt, secret: keys.jwtSecret });
  const server = await listenServer(config, log);
  const { http } = server;
  parts.defer(() => server.close());
  const listening = http.address() as AddressInfo;
  const address: PublicAddress = publicAddress(config, listening.port);

  const services = {
    db,
    catalog,
    secretBox,
    forward: config.forward,
    address,
    streams,
    bootProgress,
    telemetry: createVmTelemetry({ driverOf, streams }),
    isRegionAvailable: (region: string) => healthOf(region).canStart,
    factsOf,
  };
  const addressOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>): string => clientAddress(request, config.trustedProxies);
  const graphiql = !config.production;
  const rates = createRateLimits({ perAccount: config.limits.ratePerAccount, perAddress: config.limits.ratePerAddress, log });
  const authenticate = createAuthenticate({ verifyToken: cacheTokens(verifyToken), rates, addressOf });
  const sockets = createAccountSockets(config.limits.socketsPerAccount);
  const gateway = new Gateway({ services, rates, log, graphiql, introspection: config.introspection });
  parts.defer(() => gateway.dispose());
  const graphqlWs = createGraphqlWs({
    gateway,
    verifyToken,
    addressOf,
    rates,
    sockets,
    subscriptionsPerSocket: config.limits.subscriptionsPerSocket,
    origins: { allowed: config.allowedOrigins, publicScheme: config.publicScheme, baseDomain: config.baseDomain },
    persisted,
    log,
  });
  parts.defer(() => graphqlWs.dispose());
  const ingress = config.roles.has('ingress')
    ? new VmIngress({ ...services, publicScheme: config.publicScheme, listener, addressOf, log })
    : undefined;
  if (ingress !== undefined) {
    parts.defer(() => ingress.close());
    for (const watch of watches.values()) parts.defer(watch.onGone((vmId, ref) => ingress.dropContainer(vmId, ref)));
  }

  const closing = new AbortController();
  // Each event stream has one, and there may be thousands.
  setMaxListeners(0, closing.signal);
  const api = {
    graphqlHttp: new GraphqlHttp({ closing: closing.signal, gateway, authenticate, sockets, persisted, graphiql, log }),
    graphqlWs,
    rest: new RestHandler({ gateway, authenticate, strict: config.strictRest, log }),
  };
  const metrics = createMetrics({ db, streams, regions: [...config.regions.keys()], healthOf, orphansOf, loops });
  const router = new Router({
    baseDomain: config.baseDomain,
    log,
    checkRate: (request) => rates.checkAddress(addressOf(request)),
    api: config.roles.has('api') ? api : undefined,
    ingress,
    metrics,
  });
  http.on('request', (request, reply) => router.request(request, reply));
  http.on('upgrade', (request, socket, head) => router.upgrade(request, socket, head));
  // Runs first: what goes on by itself is ended, and what was taken is answered while all that it needs is still there.
  parts.defer(async () => {
    closing.abort();
    ingress?.endStreams();
    streams.close();
    // Requests get the time that a database takes; all else is not worth waiting for a dead one.
    const impatient = setTimeout(() => ending.abort(), PATIENT_MS);
    const requests = server.drain(DRAIN_MS).finally(() => ending.abort());
    const [drained] = await Promise.all([requests, graphqlWs.dispose(), loop?.close()]);
    clearTimeout(impatient);
    log.info(drained, 'requests that were taken have been answered, but for those that were cut');
  });

  const held = parts.move();
  return { address: listening, close: () => held.disposeAsync() };
}

function publicAddress({ publicScheme, baseDomain }: Config, port: number): PublicAddress {
  // On a machine of one's own the port is part of every address; behind a proxy the scheme's own stands.
  const own = baseDomain === 'localhost' || baseDomain.endsWith('.localhost');
  const standard = publicScheme === 'https' ? 443 : 80;
  return { scheme: publicScheme, domain: baseDomain, ...(own && port !== standard && { port }) };
}
