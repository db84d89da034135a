import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiTokenVerifier } from './auth/api-tokens/api-token-verifier.ts';
import { createVerifyToken } from './auth/jwt.ts';
import { RateLimits } from './auth/rate-limits.ts';
import { LiveCatalog } from './catalog/live-catalog.ts';
import type { Config } from './config/config.ts';
import { createApi } from './composition/create-api.ts';
import { createMetrics } from './composition/create-metrics.ts';
import { createServices } from './composition/create-services.ts';
import { loadDashboardOperations } from './dashboard/dashboard-operations.ts';
import { openDashboard } from './dashboard/open-dashboard.ts';
import { engineOptions } from './engine/engine-options.ts';
import { openEngines } from './engine/open-engines.ts';
import { BootProgress } from './events/boot-progress.ts';
import { EventStreams } from './events/event-streams.ts';
import { loadPersistedOperations, NO_PERSISTED_OPERATIONS } from './graphql/pipeline/persisted-operations.ts';
import { originRuleOf } from './http/request/allowed-origin.ts';
import { clientAddress } from './http/request/client-address.ts';
import { loadBuiltFiles } from './http/response/built-files.ts';
import { createCors } from './http/response/cors.ts';
import { listenMonitoring } from './http/server/listen-monitoring.ts';
import { listenServer } from './http/server/listen-server.ts';
import { readTlsPair } from './http/server/tls-files.ts';
import { answerClientErrors } from './ingress/answer-client-errors.ts';
import { VmIngress } from './ingress/vm-ingress.ts';
import { LiveRegions } from './composition/live-regions.ts';
import { acquireDataDirLock } from './lib/process/data-dir-lock.ts';
import type { Log } from './log.ts';
import { openStore } from './composition/open-store.ts';
import { RegionWatches } from './reconciler/watch/region-watches.ts';
import { Router } from './router.ts';
import { readKeys } from './secrets/keys.ts';
import { startReconciler } from './composition/start-reconciler.ts';
import { gatewayUrl } from './vm/networking/mapping.ts';
import { RegionDrains } from './vm/restrictions/region-drains.ts';

/** Lets everything else be released within the 10 s that many supervisors allow. */
const DRAIN_MS = 8_000;
/** How long accepted requests may wait for a slow database during shutdown; then its pool gives up. */
const DATABASE_PATIENCE_MS = 3_000;

export interface Server {
  readonly address: AddressInfo;
  /** Reads the files of the regions, the catalog and the plans again; what is wrong is logged and changes nothing. */
  reload(): Promise<void>;
  /** Drains requests, then releases everything in reverse order. */
  close(): Promise<void>;
}

export interface ServerOptions {
  /** How long a container or volume is without a row before it counts as an orphan; 60 s. */
  readonly orphanGraceMs?: number;
  /** In place of real engines, for the simulation in bench/scale. */
  readonly openEngines?: typeof openEngines;
}

/** Composes all parts in order and listens. If one fails to start, the earlier ones are released. */
export async function startServer(
  config: Config,
  log: Log,
  signal: AbortSignal,
  { orphanGraceMs, openEngines: open = openEngines }: ServerOptions = {},
): Promise<Server> {
  await using parts = new AsyncDisposableStack();

  // Report invalid TLS files before anything is started.
  if (config.tls !== undefined) await readTlsPair(config.tls);
  const lock = await acquireDataDirLock(config.dataDir);
  parts.defer(() => lock.release());
  const catalog = await LiveCatalog.open({ ...config, regions: [...config.regions.regions.keys()], log });
  parts.defer(() => catalog.close());
  const persisted =
    config.persistedOperations === undefined
      ? NO_PERSISTED_OPERATIONS
      : await loadPersistedOperations(config.persistedOperations.file, {
          only: config.persistedOperations.only,
          own: await loadDashboardOperations(config),
        });
  const keys = await readKeys(config);

  const ending = new AbortController();
  const store = parts.use(await openStore({ config, keys, log, ending: ending.signal, signal }));
  const { db, engineDb, listener, secretBox, outage, installationId } = store;

  const engines = open(config.regions.regions, { ...engineOptions(config), installationId, log });
  parts.defer(() => engines.close());
  const regions = new RegionWatches({ engines, db: engineDb, catalog, log, orphanGraceMs });
  parts.defer(() => regions.close());
  const settings = await LiveRegions.open({ config, db, catalog, engines, watches: regions, log });
  parts.defer(() => settings.close());
  const forward = {
    ...config.forward,
    hostOf: (region: string, node: string | null) =>
      settings.hosts.get(region) ??
      (node === null ? undefined : engines.drivers.get(region)?.publicHost(node)) ??
      config.baseDomain,
  };
  const reconciler = config.roles.has('reconciler')
    ? startReconciler({
        config,
        databaseUrl: store.url,
        db: engineDb,
        listener,
        catalog,
        secretBox,
        forward,
        regions,
        settings,
        outage,
        ending: ending.signal,
        log,
      })
    : undefined;
  if (reconciler !== undefined) parts.defer(() => reconciler.close());
  // The reconciler ends only after this, also if a later part fails to start.
  parts.defer(() => ending.abort());

  const drains = await RegionDrains.open({ db, listener, log });
  parts.defer(() => drains.close());
  const bootProgress = new BootProgress(listener);
  const streams = new EventStreams({ db, listener, bootProgress, log });
  parts.defer(() => streams.close());
  const dashboard = config.roles.has('api') ? await openDashboard(config, log) : undefined;
  const vmPages = config.roles.has('ingress') ? await loadBuiltFiles('vm-pages') : undefined;
  // Nothing is awaited from here until its handlers are there: it would never answer what comes before.
  const server = await listenServer(config, log);
  parts.defer(() => server.close());
  const address = server.http.address() as AddressInfo;

  const services = createServices({
    config,
    port: address.port,
    db,
    catalog,
    secretBox,
    streams,
    bootProgress,
    forward,
    regions,
    drains,
    engines,
    ending: ending.signal,
  });
  const addressOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>): string =>
    clientAddress(request, config.trustedProxies);
  const rates = new RateLimits({
    perAccount: config.limits.ratePerAccount,
    perAddress: config.limits.ratePerAddress,
    log,
  });
  const verifyToken = createVerifyToken({ ...config.jwt, secret: keys.jwtSecret });
  const apiTokens = new ApiTokenVerifier({ db, listener, log });
  parts.defer(() => apiTokens.close());
  const api = createApi({ config, services, verifyToken, apiTokens, rates, addressOf, persisted, log });
  parts.defer(() => api.dispose());
  const ingress =
    vmPages === undefined
      ? undefined
      : new VmIngress({
          ...services,
          files: vmPages,
          dashboardUrl: config.dashboard === undefined ? undefined : gatewayUrl(services.address),
          publicScheme: config.publicScheme,
          listener,
          addressOf,
          refusalsPerSecond: config.limits.ratePerAddress / 10,
          log,
        });
  if (ingress !== undefined) {
    parts.defer(() => ingress.close());
    parts.defer(regions.onGone((vmId, ref) => ingress.dropContainer(vmId, ref)));
  }

  const router = new Router({
    dashboard,
    baseDomain: config.baseDomain,
    log,
    checkRate: (request) => rates.checkAddress(addressOf(request)),
    cors: createCors(originRuleOf(config)),
    api: config.roles.has('api') ? api : undefined,
    ingress,
    metrics: createMetrics({ settings, db, engineDb, listener, streams, regions, reconciler }),
    hasMetricsPort: config.metricsPort !== undefined,
  });
  answerClientErrors(server.http, config.baseDomain);
  server.http.on('request', (request, reply) => router.request(request, reply));
  server.http.on('upgrade', (request, socket, head) => router.upgrade(request, socket, head));
  if (config.metricsPort !== undefined) {
    const monitoring = await listenMonitoring(config.host, config.metricsPort, (request, reply) =>
      router.monitoring(request, reply),
    );
    parts.defer(() => monitoring.close());
    log.info({ port: monitoring.address.port }, 'metrics and health are served');
  }
  // Runs first, while all parts still work: ends streams, and answers the accepted requests.
  parts.defer(async () => {
    api.endEventStreams();
    ingress?.endStreams();
    streams.close();
    // Only requests may wait for a slow database; everything else gives up as soon as they are done.
    const impatient = setTimeout(() => ending.abort(), DATABASE_PATIENCE_MS);
    const requests = server.drain(DRAIN_MS).finally(() => ending.abort());
    const [drained] = await Promise.all([requests, api.graphqlWs.dispose(), reconciler?.loop.close()]);
    clearTimeout(impatient);
    log.info(drained, 'all accepted requests have been answered, except those that were cut');
  });

  const reload = async (): Promise<void> => {
    await settings.reload();
    await catalog.reload();
  };
  const held = parts.move();
  return { address, reload, close: () => held.disposeAsync() };
}
