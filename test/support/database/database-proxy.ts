import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the proxy does with the bytes of every connection. */
export type DatabaseWay =
  | 'pass'
  /** Bytes are lost in both directions and nothing ends, as after a failover. New connections get no answer. */
  | 'blackhole'
  /** Statements arrive, their answers are lost. */
  | 'lose-answers'
  /** Every connection is reset, new ones too. */
  | 'cut'
  /** Text that this matches in a statement arrives as question marks, so that the server refuses the statement. */
  | { readonly garble: RegExp }
  /** Milliseconds by which every chunk is late, in both directions. */
  | number;

export interface DatabaseProxy extends AsyncDisposable {
  /** The database's URL by way of the proxy. */
  readonly url: string;
  /**
   * Changes the way for all connections. A connection that was in a blackhole, or lost an answer, stays dead for good:
   * neither side sees the other's end. 'cut' resets those too.
   */
  set(way: DatabaseWay): void;
  /** Connections that a client holds open now. */
  count(): number;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Its bytes are lost from now on. */
  isDead: boolean;
}

/** A TCP proxy on loopback before the PostgreSQL of `databaseUrl`, which may listen on a unix socket. */
export async function openDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const links = new Set<Link>();
  let way: DatabaseWay = 'pass';

  /** Chunks keep their order, also where the way changes between them; so does the end, which is one without bytes. */
  const carry = (link: Link, from: Socket, to: Socket, isLost: () => boolean): void => {
    let queue = Promise.resolve();
    const send = (deliver: () => void): void => {
      queue = queue.then(async () => {
        if (typeof way === 'number') await sleep(way);
        if (isLost()) link.isDead = true;
        if (!link.isDead) deliver();
      });
    };
    from.on('data', (chunk) =>
      send(() => to.write(typeof way === 'object' && to === link.server ? garbled(chunk, way.garble) : chunk)),
    );
    from.on('end', () => send(() => to.end()));
    from.on('error', () => undefined);
    from.on('close', () => {
      send(() => to.destroy());
      if (link.client.destroyed && link.server.destroyed) links.delete(link);
    });
  };

  // Half open: in a blackhole a side that ends gets no answer to that either.
  const listening = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (way === 'cut') {
      client.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const link: Link = {
      client,
      server: connect({ ...addressOf(databaseUrl), allowHalfOpen: true }),
      isDead: way === 'blackhole',
    };
    links.add(link);
    carry(link, client, link.server, () => way === 'blackhole');
    carry(link, link.server, client, () => way === 'blackhole' || way === 'lose-answers');
  });
  const cut = (): void => {
    for (const { client, server } of links) {
      client.resetAndDestroy();
      server.destroy();
    }
  };
  await new Promise<void>((resolve, reject) => listening.once('error', reject).listen(0, '127.0.0.1', resolve));

  const { port } = listening.address() as AddressInfo;
  return {
    url: urlThrough(databaseUrl, port),
    set(next) {
      way = next;
      if (next === 'blackhole') for (const link of links) link.isDead = true;
      if (next === 'cut') cut();
    },
    count: () => [...links].filter(({ client }) => !client.destroyed && !client.readableEnded).length,
    async [Symbol.asyncDispose]() {
      way = 'cut';
      cut();
      await new Promise<void>((resolve) => void listening.close(() => resolve()));
    },
  };
}

/** Of the same length: messages carry theirs. */
function garbled(chunk: Buffer, pattern: RegExp): Buffer {
  const text = chunk.toString('latin1').replace(pattern, (match) => '?'.repeat(match.length));
  return Buffer.from(text, 'latin1');
}

function addressOf(databaseUrl: string): { path: string } | { host: string; port: number } {
  const { hostname, port, searchParams } = new URL(databaseUrl);
  const folder = searchParams.get('host');
  const number = port === '' ? 5432 : Number(port);
  return folder?.startsWith('/') === true
    ? { path: `${folder}/.s.PGSQL.${number}` }
    : { host: folder ?? hostname, port: number };
}

function urlThrough(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  url.searchParams.delete('host');
  return url.href;
}
