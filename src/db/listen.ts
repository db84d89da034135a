import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { OutageLog } from '../lib/outage-log.ts';
import { KEEPALIVE_OPTIONS } from './database.ts';
import { createDatabaseSocket } from './database-socket.ts';

export const CHANNELS = ['vm_event', 'vm_due', 'vm_progress'] as const;
export type Channel = (typeof CHANNELS)[number];

/**
 * The process's LISTEN connection. Notifications are hints: handlers re-read on `onResync` (after each connect) and on
 * a slow timer, so a lost notification only costs time.
 */
export interface Listener {
  on(channel: Channel, handle: (payload: string) => void): () => void;
  onResync(handle: () => void): () => void;
  /** When the connection last answered, by performance.now(). */
  answeredAt(): number;
  close(): Promise<void>;
}

const PROBE_EVERY_MS = 5_000;
const RECONNECT_MAX_MS = 5_000;

/** Resolves after the first connection, and reconnects until closed. `name` is its application_name. */
export async function createListener({ url, outage, name = 'swiftor-listener' }: ListenerOptions): Promise<Listener> {
  const handlers = new Map<Channel, Set<(payload: string) => void>>(CHANNELS.map((channel) => [channel, new Set()]));
  const resyncs = new Set<() => void>();
  const closing = new AbortController();
  let answeredAt = performance.now();

  const answered = (): void => {
    answeredAt = performance.now();
    outage?.answered();
  };

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: url,
      keepAlive: true,
      options: KEEPALIVE_OPTIONS,
      stream: createDatabaseSocket,
      connectionTimeoutMillis: 5_000,
      query_timeout: PROBE_EVERY_MS,
      application_name: name,
    });
    // Before connect(): an error event without a listener ends the process.
    client.on('error', () => undefined);
    client.on('notification', ({ channel, payload = '' }) => {
      for (const handle of handlers.get(channel as Channel) ?? []) handle(payload);
    });
    const cut = (): void => void client.connection.stream.destroy();
    closing.signal.addEventListener('abort', cut);
    client.once('end', () => closing.signal.removeEventListener('abort', cut));
    try {
      await client.connect();
      await client.query(CHANNELS.map((channel) => `listen ${channel}`).join('; '));
    } catch (error) {
      release(client);
      throw error;
    }
    answered();
    return client;
  };

  /** Rejects when the connection ends, or when a probe gets no answer because the peer vanished without a FIN. */
  const watch = async (client: pg.Client): Promise<void> => {
    const ended = new AbortController();
    client.once('end', () => ended.abort());
    const over = AbortSignal.any([closing.signal, ended.signal]);
    for (;;) {
      await delay(PROBE_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
      if (closing.signal.aborted) return;
      if (ended.signal.aborted) throw new Error('Connection terminated unexpectedly');
      await client.query('select 1');
      answered();
    }
  };

  const keepListening = async (first: pg.Client): Promise<void> => {
    let client: pg.Client | undefined = first;
    for (let attempt = 0; !closing.signal.aborted; attempt += 1) {
      try {
        client ??= await connect();
        attempt = 0;
        for (const handle of resyncs) handle();
        await watch(client);
      } catch (error) {
        if (!closing.signal.aborted) outage?.failed(error);
      }
      if (client !== undefined) release(client);
      client = undefined;
      const backoff = Math.min(RECONNECT_MAX_MS, 100 * 2 ** attempt);
      await delay(backoff * (0.5 + Math.random() / 2), undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };

  const running = keepListening(await connect());
  return {
    on(channel, handle) {
      handlers.get(channel)?.add(handle);
      return () => handlers.get(channel)?.delete(handle);
    },
    onResync(handle) {
      resyncs.add(handle);
      return () => resyncs.delete(handle);
    },
    answeredAt: () => answeredAt,
    async close() {
      closing.abort();
      await running;
    },
  };
}

interface ListenerOptions {
  readonly url: string;
  /** Logs lost connections. */
  readonly outage?: OutageLog;
  readonly name?: string;
}

function release(client: pg.Client): void {
  // Not awaited: end() never resolves on a dead connection.
  client.end().catch(() => undefined);
}
