import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addErrorListeners } from './add-error-listeners.ts';

/** A load balancer or a scraper asks for little, and at once. */
const TIMES = { requestTimeout: 10_000, headersTimeout: 5_000 } as const;

export interface MonitoringServer {
  readonly address: AddressInfo;
  /** Cuts all open connections. */
  close(): Promise<void>;
}

/** Starts a server of plain HTTP for health and metrics, on a port that need not be reachable from outside. */
export async function listenMonitoring(host: string, port: number, handle: RequestListener): Promise<MonitoringServer> {
  const http = createServer(TIMES, handle);
  addErrorListeners(http);
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject).listen(port, host, resolve);
  });
  return {
    address: http.address() as AddressInfo,
    close: () => new Promise<void>((resolve) => void (http.close(() => resolve()), http.closeAllConnections())),
  };
}
