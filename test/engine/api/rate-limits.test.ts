import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useOperationsFile, VIEWER } from '../../support/api/operations-file.ts';
import { postGraphql } from '../../support/api/post-graphql.ts';
import { PRODUCTION_ENV } from '../../support/gateway/production-env.ts';
import { openKnownSocket, openRawSocket } from '../../support/ingress/raw-socket.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const VM = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const CREATE = {
  config: { vmlabel: 'x', region: { code: 'AU' }, password: 'x' },
  os: { distribution: { code: 'ubuntu' }, desktop: 'xfce', cpu: 1, ram: 1 },
};

const operations = useOperationsFile();
const production = useGateway({ env: PRODUCTION_ENV });
/** One point per second for an account, two for an address, which X-Forwarded-For names. Persisted operations only. */
const tight = useGateway(() => ({
  env: {
    RATE_PER_ACCOUNT: '1',
    RATE_PER_ADDRESS: '2',
    TRUSTED_PROXIES: '127.0.0.1',
    PERSISTED_OPERATIONS: operations.path,
    PERSISTED_OPERATIONS_ONLY: '1',
  },
}));
/** One point per second for an account, and any operation. */
const loose = useGateway({ env: { RATE_PER_ACCOUNT: '1' } });

describe('the rate limit', () => {
  let addresses = 0;
  /** An address without earlier requests. */
  const fresh = (): { 'x-forwarded-for': string } => ({ 'x-forwarded-for': `10.0.0.${(addresses += 1)}` });
  const countUntilRefused = async (ask: () => Promise<Response>): Promise<{ taken: number; refused: Response }> => {
    for (let taken = 0; ; taken += 1) {
      const response = await ask();
      if (response.status === 429) return { taken, refused: response };
      expect(response.status).toBeLessThan(400);
      await response.text();
    }
  };
  /** Ten at once. On a slow machine, one or two more become available meanwhile. */
  const isTen = (count: number): boolean => count >= 10 && count <= 12;

  it('of an account allows a burst of ten seconds over GraphQL and REST from any address; 429 says when to retry', async () => {
    const token = await tight.token('eager');
    let turn = 0;
    const { taken, refused } = await countUntilRefused(() => {
      turn += 1;
      const headers = fresh();
      return turn % 2 === 0
        ? tight.rest(token, 'GET', '/vms', { headers })
        : postGraphql(tight, token, { documentId: 'me' }, headers);
    });
    expect(isTen(taken), `${taken} were taken`).toBe(true);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBe(1);
    for (const response of [
      await tight.rest(token, 'GET', '/vms', { headers: fresh() }),
      await postGraphql(tight, token, { documentId: 'me' }, fresh()),
    ]) {
      expect([response.status, await response.text()]).toEqual([429, expect.stringContaining('RATE_LIMITED')]);
    }
    // Other accounts do not wait, and it waits no longer than announced.
    expect((await tight.rest(await tight.token('calm'), 'GET', '/vms', { headers: fresh() })).status).toBe(200);
    await eventually(async () => (await tight.rest(token, 'GET', '/vms', { headers: fresh() })).status === 200, {
      deadline: 5_000,
    });
  });

  it('counts a mutation as five points', async () => {
    const token = await tight.token('writer');
    const { taken } = await countUntilRefused(() =>
      tight.rest(token, 'POST', '/vms/create', { body: CREATE, headers: fresh() }),
    );
    expect(taken).toBeGreaterThanOrEqual(2);
    expect(taken).toBeLessThanOrEqual(3);
  });

  it('counts each 100 tokens of a new document as a point, even if it is refused', async () => {
    const token = await loose.token('author');
    let seen = 0;
    // 1,000 tokens each, all different.
    const { taken } = await countUntilRefused(() => {
      seen += 1;
      const query = `{ vms(filter: { status: [${'RUNNING '.repeat(980)}] }) { no${seen} } }`;
      return postGraphql(loose, token, { query });
    });
    expect(taken).toBe(1);
    const known = await loose.token('reader');
    const { taken: again } = await countUntilRefused(() => postGraphql(loose, known, { query: VIEWER }));
    expect(isTen(again), `${again} were taken`).toBe(true);
  });

  it('holds within a WebSocket as an error of the operation, and the socket stays open', async () => {
    const token = await tight.token('talker');
    const { socket, send, next } = await openKnownSocket(tight.port, token, { headers: fresh() });
    let taken = 0;
    for (; ; taken += 1) {
      send({ id: `${taken}`, type: 'subscribe', payload: { query: VIEWER } });
      const answer = await next(({ id, type }) => id === `${taken}` && type !== 'complete');
      if (answer.type === 'next') continue;
      expect(answer).toMatchObject({
        type: 'error',
        payload: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 } }],
      });
      break;
    }
    expect(isTen(taken), `${taken} were taken`).toBe(true);
    expect(socket.readyState).toBe(socket.OPEN);
    socket.close();
  });

  it('of an address counts requests of any kind: without a token, with an invalid one, at any path, and sockets', async () => {
    const headers = fresh();
    const targets = ['/vms', '/graphql', '/nothing', '/openapi.json', '/health/ready'];
    let taken = 0;
    let refused: Response | undefined;
    for (; refused === undefined; taken += 1) {
      const response = await tight.rest(
        taken % 2 === 0 ? undefined : 'a.b.c',
        'GET',
        targets[taken % targets.length] ?? '',
        { headers },
      );
      await response.text();
      if (response.status === 429) refused = response;
    }
    expect(taken - 1).toBeGreaterThanOrEqual(20);
    expect(taken - 1).toBeLessThanOrEqual(24);
    expect(refused.headers.get('retry-after')).toBe('1');
    await expect(openRawSocket(tight.port, { headers })).rejects.toThrow('429');
    expect((await tight.rest(await tight.token('honest'), 'GET', '/vms', { headers })).status).toBe(429);
    const graphql = await fetch(`${tight.url}/graphql`, { headers });
    expect(await graphql.json()).toMatchObject({
      errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 } }],
    });
    // Liveness is not limited.
    expect((await fetch(`${tight.url}/health/live`, { headers })).status).toBe(200);
    expect((await tight.rest(undefined, 'GET', '/vms', { headers: fresh() })).status).toBe(401);
  });

  it('allows a page with 20 open VMs', async () => {
    const token = await production.token('busy');
    const { socket, send, next } = await openKnownSocket(production.port, token);
    send({ id: 'events', type: 'subscribe', payload: { query: 'subscription { vmEvents { seq } }' } });
    for (let vm = 0; vm < 20; vm += 1) {
      for (let round = 0; round < 5; round += 1)
        send({ id: `${vm}.${round}`, type: 'subscribe', payload: { query: `{ vm(id: "${VM}") { id } }` } });
    }
    for (let vm = 0; vm < 20; vm += 1) expect(await next(({ id }) => id === `${vm}.4`)).toMatchObject({ type: 'next' });
    socket.close();
  });
});
