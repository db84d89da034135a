import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Config } from '../config/config.ts';
import { isWebSocketUpgrade } from './request-target.ts';
import { createDrain, type Drained } from './drain-server.ts';
import { hearErrors } from './hear-errors.ts';
import { limitConnections } from './limit-connections.ts';
import { flawOfCertificate, readTlsPair, watchTlsPair, type TlsPair } from './tls-files.ts';
import type { Log } from '../log.ts';

/**
 * Nobody holds a connection by being slow: headers come within 10 s. No deadline for a whole request, since large uploads to apps take
 * their time; the API has its own for bodies. An idle connection outlives the minute after which proxies in front let go of theirs.
 */
const HTTP_TIMES = { requestTimeout: 0, headersTimeout: 10_000, connectionsCheckingInterval: 1_000, keepAliveTimeout: 65_000 } as const;

export interface ListeningServer {
  readonly http: Server;
  /** Answers what was taken, and ends; see `Drain`. */
  drain(deadlineMs: number): Promise<Drained>;
  /** Cuts what is still open. */
  close(): Promise<void>;
}

/** The server that everything is served by, listening; with TLS of its own where that is set. */
export async function listenServer(config: Config, log: Log): Promise<ListeningServer> {
  const draining = createDrain();
  const { ServerResponse } = draining;
  const options: ServerOptions = { ...HTTP_TIMES, ServerResponse, shouldUpgradeCallback: isWebSocketUpgrade };
  const { http, unwatch } = config.tls === undefined ? { http: createServer(options), unwatch: () => undefined } : await secure(config.tls);
  hearErrors(http);
  draining.watch(http);
  limitConnections(http, { perAddress: config.limits.connectionsPerAddress, trusted: config.trustedProxies });
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
      // Connections that are open keep the certificate that they began with.
      onPair(pair) {
        server.setSecureContext(pair);
        log.info('TLS_CERT and TLS_KEY were replaced: new connections use them');
        warn(pair);
      },
      onError: (error) => log.error({ err: error }, 'the new TLS files are not used; the certificate in use stays'),
    });
    return { http: server, unwatch: stop };
  }

  function warn(pair: TlsPair): void {
    const flaw = flawOfCertificate(pair, config.baseDomain);
    if (flaw !== undefined) log.warn(`${flaw} Browsers will refuse it.`);
  }
}
