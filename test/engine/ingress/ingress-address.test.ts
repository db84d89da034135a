import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Resolution } from '../../../src/ingress/routing/resolution.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { BASE, gateway as proxyGateway, upstream, VM } from '../../support/ingress/ingress.ts';
import { visit } from '../../support/ingress/visit.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVmProbe } from '../../support/vm/vm-probe.ts';

const token = await testToken('alice');
const HOSTS = ['a', 'b'] as const;
type Name = (typeof HOSTS)[number];

/**
 * Asks for one host again and again over so many kept connections, until aborted; each answer's status and body.
 */
function hammer(port: number, host: string, connections: number, onAnswer: (status: number, body: string) => void) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const over = new AbortController();
  const loop = async (index: number): Promise<void> => {
    while (!over.signal.aborted) {
      // Now and then what must not meet a kept socket.
      const outgoing = request({
        host: '127.0.0.1',
        port,
        agent,
        headers: { host },
        method: index % 3 === 0 ? 'POST' : 'GET',
      });
      outgoing.end();
      try {
        const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
        onAnswer(response.statusCode ?? 0, await text(response));
      } catch {
        // A connection that was cut gave nobody a byte of another.
      }
    }
  };
  const loops = Array.from({ length: connections }, (_, index) => loop(index));
  return async () => {
    over.abort();
    await Promise.all(loops);
    agent.destroy();
  };
}

describe('an address that passes from one container to another', () => {
  it('2,000 times under load, on loopback, never serves the host of the one before', async () => {
    const SWAPS = 2_000;
    let route: { owner: Name; over: AbortController } | undefined;
    let port = 0;
    const { port: entry } = await proxyGateway((_vmId, name): Resolution => {
      if (route === undefined || route.owner !== name)
        return { kind: 'unavailable', retryAfterSeconds: 1, message: 'off' };
      return upstream(port, { ref: route.owner, signal: route.over.signal });
    });
    let server: Server | undefined;
    const sockets = new Set<Socket>();
    /** One container ends, and with it its sockets; the next gets the same address and port. */
    const swap = async (owner: Name): Promise<void> => {
      route?.over.abort();
      route = undefined;
      for (const socket of sockets) socket.destroy();
      if (server !== undefined) await new Promise((closed) => server?.close(closed));
      server = createServer((_req, res) => res.end(`from ${owner}`));
      server.on('connection', (socket: Socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
      route = { owner, over: new AbortController() };
    };
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => (server === undefined ? closed(undefined) : server.close(closed)));
    });
    const served = { a: 0, b: 0 };
    let onServed: (() => void) | undefined;
    const crossed: string[] = [];
    const ends = HOSTS.map((name) =>
      hammer(entry, `${name}-${VM}.${BASE}`, 6, (status, body) => {
        if (status === 200 && body === `from ${name}`) {
          served[name] += 1;
          onServed?.();
        } else if (body.startsWith('from ')) crossed.push(`${name} got "${body}"`);
      }),
    );
    for (let count = 0; count < SWAPS; count += 1) {
      const owner = HOSTS[count % 2] ?? 'a';
      await swap(owner);
      // One half is served at least once in its time, the other half is swapped in the middle of whatever is under way.
      if ((count >> 1) % 2 === 0) await new Promise<void>((resolve) => (onServed = resolve));
      onServed = undefined;
    }
    for (const end of ends) await end();
    expect(crossed).toEqual([]);
    expect(Math.min(served.a, served.b)).toBeGreaterThanOrEqual(SWAPS / 4);
  }, 60_000);

  describe('on the real engine', () => {
    const gateway = useGateway();
    const image = 'swiftor-test/tiny:1';
    const strangers: string[] = [];
    afterAll(async () => {
      for (const id of strangers)
        await docker
          .getContainer(id)
          .remove({ force: true })
          .catch(() => undefined);
    });

    const { statusOf } = createVmProbe(gateway, token);
    const machineOf = async (id: string) => {
      const [found] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`] } });
      return found === undefined ? undefined : docker.getContainer(found.Id);
    };

    it('the container is killed behind our back and another starts at its address: its bytes never reach the VM of the first', async () => {
      const id = await createVm(gateway, token);
      await gateway.rest(token, 'POST', '/vms/networking', { body: { vmid: id, name: 'web', internal_port: 3000 } });
      await gateway.rest(token, 'POST', `/vms/start/${id}`);
      const host = `web-${id}.localhost`;
      const isUp = async () => (await statusOf(id)) === 'RUNNING' && (await visit(gateway.port, host)).status === 200;
      const crossed: string[] = [];
      let served = 0;
      const end = hammer(gateway.port, host, 8, (status, body) => {
        if (body.includes('tiny')) served += 1;
        else if (status === 200) crossed.push(body);
      });
      let met = 0;
      // Another test may have been quicker to take the address: only rounds that met it count.
      for (let round = 0; round < 24 && met < 2; round += 1) {
        await eventually(isUp, { deadline: 30_000 });
        const machine = await machineOf(id);
        const address = (await machine?.inspect())?.NetworkSettings.Networks['swiftor-vms']?.IPAddress;
        const serve = 'mkdir /other; echo stranger > /other/index.html; httpd -f -p 3000 -h /other & wait';
        const stranger = await docker.createContainer({
          Image: image,
          Cmd: ['/bin/sh', '-c', serve],
          HostConfig: { NetworkMode: 'swiftor-vms' },
        });
        strangers.push(stranger.id);
        await machine?.remove({ force: true });
        await stranger.start();
        const { NetworkSettings } = await stranger.inspect();
        if (NetworkSettings.Networks['swiftor-vms']?.IPAddress === address) met += 1;
        await eventually(async () => (await machineOf(id)) !== undefined && (await isUp()), { deadline: 30_000 });
        await stranger.remove({ force: true });
      }
      await end();
      expect(crossed).toEqual([]);
      expect(met).toBeGreaterThan(0);
      expect(served).toBeGreaterThan(0);
    }, 120_000);
  });
});
