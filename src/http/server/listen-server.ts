import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Config } from '../../config/config.ts';
import { isWebSocketUpgrade } from '../request/request-target.ts';
import { createDrain, type Drained } from './drain-server.ts';
import { addErrorListeners } from './add-error-listeners.ts';
import { OpenConnections } from './open-connections.ts';
import { findCertificateProblem, readTlsPair, watchTlsPair, type TlsPair } from './tls-files.ts';
import type { Log } from '../../log.ts';

/**
 * Headers must arrive within 10 s. There is no deadline for a whole request, because uploads to apps may be large; the
 * API has its own for bodies. Idle connections are kept longer than the 60 s after which common proxies close theirs.
 */
const HTTP_TIMES = {
  requestTimeout: 0,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 65_000,
} as const;

export interface ListeningServer {
  readonly http: Server;
  /** Answers accepted requests, then shuts down; see `Drain`. */
  drain(deadlineMs: number): Promise<Drained>;
  /** Cuts all open connections. */
  close(): Promise<void>;
}

interface ListenOptions {
  /** How often the TLS files are checked for changes; 2 s by default. */
  readonly tlsCheckMs?: number;
}

/** Starts the HTTP server, or the HTTPS server if TLS is configured. */
export async function listenServer(
  config: Config,
  log: Log,
  { tlsCheckMs }: ListenOptions = {},
): Promise<ListeningServer> {
  const connections = new OpenConnections({
    perAddress: config.limits.connectionsPerAddress,
    trusted: config.trustedProxies,
  });
  const draining = createDrain(connections);
  const { ServerResponse } = draining;
  const options: ServerOptions = {
    ...HTTP_TIMES,
    ServerResponse,
    shouldUpgradeCallback: isWebSocketUpgrade,
    // Most requests have no body: they need no stream that ends.
    optimizeEmptyRequests: true,
  };
  const { http, unwatch } =
    config.tls === undefined ? { http: createServer(options), unwatch: () => undefined } : await secure(config.tls);
  addErrorListeners(http);
  connections.watch(http);
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject).listen(config.port, config.host, resolve);
  });
  const close = async (): Promise<void> => {
    unwatch();
    await new Promise<void>((resolve) => void (http.close(() => resolve()), http.closeAllConnections()));
  };
  return { http, close, drain: (deadlineMs) => draining.end(http, deadlineMs) };

  async function secure(files: NonNullable<Config['tls']>) {
    const first = await readTlsPair(files);
    const server = createSecureServer({ ...options, ...first, handshakeTimeout: 10_000 });
    warn(first);
    const stop = watchTlsPair(files, first, {
      everyMs: tlsCheckMs,
      // Open connections keep their certificate.
      onPair(pair) {
        server.setSecureContext(pair);
        log.info('TLS_CERT and TLS_KEY have changed; new connections use them');
        warn(pair);
      },
      onError: (error) =>
        log.error({ err: error }, 'the new TLS files cannot be used; keeping the current certificate'),
    });
    return { http: server, unwatch: stop };
  }

  function warn(pair: TlsPair): void {
    const problem = findCertificateProblem(pair, config.baseDomain);
    if (problem !== undefined) log.warn(`${problem} Browsers will refuse it.`);
  }
}
