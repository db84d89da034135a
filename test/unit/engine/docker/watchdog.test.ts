import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../../src/engine/docker/connection/connect.ts';
import { createEngineCall } from '../../../../src/engine/docker/connection/engine-call.ts';
import { Containers } from '../../../../src/engine/docker/containers/containers.ts';
import { HostCommands } from '../../../../src/engine/docker/host/host-commands.ts';
import { SHARED_ENGINE_NAMES } from '../../../../src/engine/docker/containers/shared-engine-names.ts';
import { Watchdog } from '../../../../src/engine/docker/isolation/watchdog.ts';
import { LABEL } from '../../../../src/engine/labels.ts';

/** An engine on which a watchdog of a newer version runs, which never answers. */
async function openSilentEngine() {
  const file = path.join(tmpdir(), `swiftor-silent-${randomUUID().slice(0, 8)}.sock`);
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.setHeader('content-type', 'application/json');
    const labels = { [LABEL.watchdog]: '1000-rules-of-tomorrow' };
    response.end(JSON.stringify({ Id: 'a'.repeat(64), Config: { Labels: labels }, State: { Running: true } }));
  });
  const asked = Promise.withResolvers<Duplex>();
  server.on('upgrade', (_incoming, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    socket.once('data', () => asked.resolve(socket));
  });
  await once(server.listen(file), 'listening');
  const endpoint = `unix://${file}`;
  const { docker, close } = connect(endpoint);
  onTestFinished(async () => {
    close();
    server.closeAllConnections();
    server.close();
    await rm(file, { force: true });
  });
  const installationId = randomUUID();
  const call = createEngineCall(endpoint, 5_000);
  const containers = new Containers(docker, call, installationId);
  const host = new HostCommands({ docker, call, containers, installationId });
  const watchdog = new Watchdog({ docker, call, containers, host, engineNames: SHARED_ENGINE_NAMES });
  return { watchdog, asked: asked.promise };
}

it('a search for the watchdog that is aborted closes its connection', async () => {
  const { watchdog, asked } = await openSilentEngine();
  const aborting = new AbortController();
  const searching = watchdog.ensure(undefined, [], aborting.signal);
  const socket = await asked;
  const closed = once(socket, 'end');
  const reason = new Error('The gateway closes.');
  aborting.abort(reason);
  await expect(searching).rejects.toBe(reason);
  await closed;
});
