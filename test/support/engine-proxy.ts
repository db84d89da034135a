import { randomUUID } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** How the way to the engine is: open, closed, or open with nobody answering. */
export type EngineWay = 'open' | 'refuse' | 'stall';

export interface EngineProxy extends AsyncDisposable {
  /** For REGIONS: unix:///… */
  readonly endpoint: string;
  /** Changes the way for new connections, and cuts those that there are unless it is opened. */
  set(way: EngineWay): void;
  /** While true, what the engine says on its event stream is swallowed. */
  muteEvents(muted: boolean): void;
}

/** A socket in front of the engine's own, to do to a gateway what a failing engine does. */
export async function openEngineProxy(target = '/var/run/docker.sock'): Promise<EngineProxy> {
  const file = path.join(tmpdir(), `swiftor-engine-${randomUUID().slice(0, 8)}.sock`);
  const sockets = new Set<Socket>();
  let way: EngineWay = 'open';
  let muted = false;

  const server = createServer((client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client)).on('error', () => client.destroy());
    if (way === 'refuse') {
      client.destroy();
      return;
    }
    if (way === 'stall') {
      client.resume();
      return;
    }
    const engine = connect(target);
    engine.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => engine.destroy());
    let isEvents = false;
    client.on('data', (chunk: Buffer) => {
      isEvents = /^GET [^ ]*\/events\?/.test(chunk.toString('latin1', 0, 40));
      engine.write(chunk);
    });
    let begun = false;
    engine.on('data', (chunk: Buffer) => {
      // The answer's head passes, so that the stream looks alive.
      if (isEvents && muted && begun) return;
      begun = true;
      client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));

  return {
    endpoint: `unix://${file}`,
    set(next) {
      way = next;
      if (next !== 'open') for (const socket of sockets) socket.destroy();
    },
    muteEvents(next) {
      muted = next;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(file, { force: true });
    },
  };
}
