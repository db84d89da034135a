import { describe, it } from 'vitest';
import { graphql } from '../../../client/src/graphql.ts';
import { createSwiftorClient } from '../../../client/src/index.ts';
import { useApi } from '../../support/api/use-api.ts';
import { openRawSocket } from '../../support/ingress/raw-socket.ts';

const INPUT = { vmlabel: 'mine', region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 } as const;

const gateway = useApi();

// Most of the time they wait.
describe.concurrent('watchVms', () => {
  it('goes on with the next token when one expires, and tries again after a token could not be had', async ({
    expect,
  }) => {
    const { url } = gateway;
    const { createVm, updateVm } = createSwiftorClient({ url, token: () => gateway.token('renewing') });
    const { id } = await createVm(INPUT);
    let asked = 0;
    const connections: boolean[] = [];
    const { watchVms } = createSwiftorClient({
      url,
      onConnection: (isConnected) => connections.push(isConnected),
      token() {
        asked += 1;
        if (asked === 2) throw new Error('offline');
        return gateway.token('renewing', 3);
      },
    });
    const seqs: number[] = [];
    for await (const { changes } of watchVms()) {
      seqs.push(...changes.map(({ seq }) => seq));
      if (seqs.length === 0) await updateVm({ id, vmlabel: 'first' });
      // The first connection is closed by now, and the second opened.
      else if (asked < 3) await new Promise<void>((resolve) => setTimeout(resolve, 200));
      if (seqs.length > 0 && asked < 3) await updateVm({ id, vmlabel: `label ${seqs.length}` });
      if (asked >= 3 && seqs.length > 2) break;
    }
    expect(seqs).toEqual(seqs.map((_, index) => index + 2));
    expect(connections.slice(0, 3)).toEqual([true, false, true]);
  });

  it('ends with UNAUTHENTICATED if the token is refused again and again', async ({ expect }) => {
    const { watchVms, request } = createSwiftorClient({ url: gateway.url, token: () => 'a.b.c' });
    await expect(watchVms().next()).rejects.toMatchObject({ name: 'SwiftorError', code: 'UNAUTHENTICATED' });
    await expect(request(graphql('{ me { userId } }'), {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe.concurrent('a WebSocket', () => {
  const initOf = (each: string) => ({ type: 'connection_init', payload: { authorization: `Bearer ${each}` } });
  const renewalOf = (each: string) => ({ type: 'ping', payload: { authorization: `Bearer ${each}` } });

  it('goes on with a new token that a ping brings, and not with that of another account', async ({ expect }) => {
    const { socket, send, next, closed } = await openRawSocket(gateway.port);
    const isPong = ({ type }: { type: string }): boolean => type === 'pong';
    const own = await gateway.token('renewing', 2);
    send(renewalOf(own));
    expect(await next(isPong)).toMatchObject({ payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
    send(initOf(own));
    await next(({ type }) => type === 'connection_ack');
    for (const bad of [await gateway.token('other'), 'a.b.c', '']) {
      send(renewalOf(bad));
      expect(await next(isPong)).toMatchObject({ payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
    }
    send(renewalOf(await gateway.token('renewing', 3)));
    const { payload } = await next(isPong);
    expect(Object.keys(payload as object)).toEqual(['expiresAt']);
    const expiresAt = Date.parse((payload as { expiresAt: string }).expiresAt);
    expect(Math.abs(expiresAt - Date.now())).toBeLessThan(3_000);
    expect(await closed).toEqual({ code: 4403, reason: 'The token has expired' });
    // The first token ended a second before.
    expect(Date.now()).toBeGreaterThan(expiresAt - 100);
    socket.terminate();
  });
});
