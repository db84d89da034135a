import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { OutageLog } from '../lib/outage-log.ts';
import { KEEPALIVE_OPTIONS } from './database.ts';
import { createDatabaseSocket } from './pool/database-socket.ts';

export const CHANNELS = ['vm_event', 'vm_due', 'vm_progress', 'vm_access', 'region_drain', 'api_token'] as const;
export type Channel = (typeof CHANNELS)[number];

const PROBE_EVERY_MS = 5_000;
const RECONNECT_MAX_MS = 5_000;

interface ListenerOptions {
  readonly url: string;
  /** Logs lost connections. */
  readonly outage?: Pick<OutageLog, 'failed' | 'answered'>;
  /** The application_name of the connection. */
  readonly name?: string;
}

/**
 * The process's LISTEN connection. Notifications are hints: handlers re-read on `onResync` (after each connect) and on
 * a slow timer, so a lost notification only costs time.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #handlers = new Map<Channel, Set<(payload: string) => void>>(
    CHANNELS.map((channel) => [channel, new Set()]),
  );
  readonly #resyncs = new Set<() => void>();
  readonly #closing = new AbortController();
  #answeredAt = performance.now();
  /** The database's clock, in ms since 1970, at a time by performance.now(). */
  #clock = { database: Date.now(), at: performance.now() };
  #running: Promise<void> = Promise.resolve();
  #backend: number | undefined;

  private constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Resolves after the first connection, and reconnects until closed. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    listener.#running = listener.#keepListening(await listener.#connect());
    return listener;
  }

  /** Returns the remover of the handler. */
  on(channel: Channel, handle: (payload: string) => void): () => void {
    this.#handlers.get(channel)?.add(handle);
    return () => this.#handlers.get(channel)?.delete(handle);
  }

  /** Returns the remover of the handler. */
  onResync(handle: () => void): () => void {
    this.#resyncs.add(handle);
    return () => this.#resyncs.delete(handle);
  }

  /** When the connection last answered, by performance.now(). */
  answeredAt(): number {
    return this.#answeredAt;
  }

  /**
   * What the database's clock shows now, in ms since 1970: its last answer, and the time that has passed here since.
   */
  databaseTime(): number {
    return this.#clock.database + performance.now() - this.#clock.at;
  }

  /** The process of PostgreSQL that serves this connection; undefined while there is none. */
  get backend(): number | undefined {
    return this.#backend;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      keepAlive: true,
      options: KEEPALIVE_OPTIONS,
      stream: createDatabaseSocket,
      connectionTimeoutMillis: 5_000,
      query_timeout: PROBE_EVERY_MS,
      application_name: this.#options.name ?? 'swiftor-listener',
    });
    // Before connect(): an error event without a listener ends the process.
    client.on('error', () => undefined);
    client.on('notification', ({ channel, payload = '' }) => {
      for (const handle of this.#handlers.get(channel as Channel) ?? []) handle(payload);
    });
    const cut = (): void => void client.connection.stream.destroy();
    this.#closing.signal.addEventListener('abort', cut);
    client.once('end', () => this.#closing.signal.removeEventListener('abort', cut));
    try {
      await client.connect();
      await client.query(CHANNELS.map((channel) => `listen ${channel}`).join('; '));
      await this.#probe(client);
    } catch (error) {
      release(client);
      throw error;
    }
    return client;
  }

  async #probe(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ backend: number; time: number }>(
      'select pg_backend_pid() as backend, extract(epoch from clock_timestamp())::float8 * 1000 as time',
    );
    const [row] = rows;
    this.#answeredAt = performance.now();
    if (row !== undefined) {
      this.#backend = row.backend;
      this.#clock = { database: row.time, at: this.#answeredAt };
    }
    this.#options.outage?.answered();
  }

  async #keepListening(first: pg.Client): Promise<void> {
    const { signal } = this.#closing;
    let client: pg.Client | undefined = first;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        client ??= await this.#connect();
        attempt = 0;
        for (const handle of this.#resyncs) handle();
        await this.#watch(client);
      } catch (error) {
        if (!signal.aborted) this.#options.outage?.failed(error);
      }
      if (client !== undefined) release(client);
      client = undefined;
      this.#backend = undefined;
      const backoff = Math.min(RECONNECT_MAX_MS, 100 * 2 ** attempt);
      await delay(backoff * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Rejects when the connection ends, or when a probe gets no answer because the peer vanished without a FIN. */
  async #watch(client: pg.Client): Promise<void> {
    const ended = new AbortController();
    client.once('end', () => ended.abort());
    const over = AbortSignal.any([this.#closing.signal, ended.signal]);
    for (;;) {
      await delay(PROBE_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
      if (this.#closing.signal.aborted) return;
      if (ended.signal.aborted) throw new Error('Connection terminated unexpectedly');
      await this.#probe(client);
    }
  }
}

function release(client: pg.Client): void {
  // Not awaited: end() never resolves on a dead connection.
  client.end().catch(() => undefined);
}
