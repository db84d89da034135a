import { once } from 'node:events';
import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import { openKnownSocket, openRawSocket, type RawSocket } from '../../support/ingress/raw-socket.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const gateway = useGateway();
const token = await testToken('alice');

const ME = '{ me { userId } }';
const EVENTS = 'subscription { vmEvents { seq kind } }';
const subscribe = ({ send }: RawSocket, id: string, query: string, variables?: object): void =>
  send({ id, type: 'subscribe', payload: { query, variables } });
/**
 * Everything that comes until an answer to a ping, which is sent now: what was begun before has been answered or waits.
 */
async function untilPong({ send, next }: RawSocket): Promise<unknown[]> {
  const seen: unknown[] = [];
  send({ type: 'ping', payload: { mark: 1 } });
  for (;;) {
    const message = await next(() => true);
    if (message.type === 'pong') return seen;
    seen.push(message);
  }
}

describe('the graphql-transport-ws protocol', () => {
  it('answers a query with its result and complete, under its own id', async () => {
    const raw = await openKnownSocket(gateway.port, token);
    subscribe(raw, 'a "b"', ME);
    expect(await raw.next(() => true)).toEqual({
      id: 'a "b"',
      type: 'next',
      payload: { data: { me: { userId: 'alice' } } },
    });
    expect(await raw.next(() => true)).toEqual({ id: 'a "b"', type: 'complete' });
    // An id is free again after that.
    subscribe(raw, 'a "b"', ME);
    expect(await raw.next(({ type }) => type === 'complete')).toEqual({ id: 'a "b"', type: 'complete' });
    raw.socket.close();
  });

  it('answers a ping with a pong and its payload, before and after connection_init', async () => {
    const raw = await openRawSocket(gateway.port);
    raw.send({ type: 'ping', payload: { a: [1] } });
    expect(await raw.next(() => true)).toEqual({ type: 'pong', payload: { a: [1] } });
    raw.send({ type: 'ping' });
    expect(await raw.next(() => true)).toEqual({ type: 'pong' });
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect(await raw.next(() => true)).toEqual({ type: 'connection_ack' });
    raw.send({ type: 'pong' });
    expect(await untilPong(raw)).toEqual([]);
    raw.socket.close();
  });

  it.each([
    ['{ nothing }', 'BAD_USER_INPUT'],
    ['{', 'BAD_USER_INPUT'],
    ['subscription { vmEvents(after: 5) { seq } }', 'BAD_USER_INPUT'],
  ])('refuses %s with a single error, and the socket stays open', async (query, code) => {
    const raw = await openKnownSocket(gateway.port, token);
    subscribe(raw, '1', query);
    expect(await raw.next(() => true)).toEqual({
      id: '1',
      type: 'error',
      payload: [expect.objectContaining({ extensions: expect.objectContaining({ code }) })],
    });
    subscribe(raw, '1', ME);
    expect(await raw.next(() => true)).toMatchObject({ id: '1', type: 'next' });
    raw.socket.close();
  });

  it('reports with a result and complete why a subscription could not start', async () => {
    const raw = await openKnownSocket(gateway.port, token);
    subscribe(raw, '1', 'subscription { vmEvents(after: "x") { seq } }');
    expect(await raw.next(() => true)).toMatchObject({
      id: '1',
      type: 'next',
      payload: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    });
    expect(await raw.next(() => true)).toEqual({ id: '1', type: 'complete' });
    raw.socket.close();
  });

  it("sends a subscription's events in order, and its end", async () => {
    const raw = await openKnownSocket(gateway.port, token);
    const id = await createVm(gateway, token);
    subscribe(raw, 'vm', 'subscription ($vmId: ID!) { vmEvents(vmId: $vmId) { kind } }', { vmId: id });
    expect(await raw.next(() => true)).toEqual({
      id: 'vm',
      type: 'next',
      payload: { data: { vmEvents: { kind: 'SNAPSHOT' } } },
    });
    await gateway.graphql(token, 'mutation ($id: ID!) { deleteVm(id: $id) }', { id });
    for (;;) {
      const { payload } = await raw.next(({ type }) => type === 'next');
      if (JSON.stringify(payload).includes('DELETED')) break;
    }
    expect(await raw.next(() => true)).toEqual({ id: 'vm', type: 'complete' });
    raw.socket.close();
  });

  it('sends nothing more for an operation that the client completes, even while it is being prepared', async () => {
    const raw = await openKnownSocket(gateway.port, await gateway.token('quiet'));
    subscribe(raw, 'early', EVENTS);
    raw.send({ id: 'early', type: 'complete' });
    subscribe(raw, 'query', ME);
    raw.send({ id: 'query', type: 'complete' });
    // One that does not run, or never did.
    raw.send({ id: 'nothing', type: 'complete' });
    subscribe(raw, 'last', ME);
    expect(await raw.next(({ type }) => type === 'next')).toMatchObject({ id: 'last' });
    expect(await raw.next(() => true)).toEqual({ id: 'last', type: 'complete' });
    expect(await untilPong(raw)).toEqual([]);
    // Nothing of it is left that an event could come to.
    subscribe(raw, 'again', EVENTS);
    await createVm(gateway, await gateway.token('quiet'));
    expect(await raw.next(() => true)).toMatchObject({
      id: 'again',
      type: 'next',
      payload: { data: { vmEvents: { seq: '1' } } },
    });
    expect(await untilPong(raw)).toEqual([]);
    raw.socket.close();
  });

  it('closes the socket for an id in use, and for messages that only a server may send', async () => {
    const raw = await openKnownSocket(gateway.port, token);
    subscribe(raw, 'same', EVENTS);
    subscribe(raw, 'same', EVENTS);
    expect(await raw.closed).toEqual({ code: 4409, reason: 'Subscriber for same already exists' });
    // A close frame has 123 bytes for its reason, an id has what it likes.
    const long = await openKnownSocket(gateway.port, token);
    const id = '€'.repeat(5_000);
    subscribe(long, id, EVENTS);
    subscribe(long, id, EVENTS);
    expect(await long.closed).toEqual({ code: 4409, reason: `Subscriber for ${'€'.repeat(35)}` });
    for (const message of [
      { type: 'connection_ack' },
      { id: '1', type: 'next', payload: {} },
      { id: '1', type: 'error', payload: [] },
    ]) {
      const other = await openKnownSocket(gateway.port, token);
      other.send(message);
      expect([message, (await other.closed).code]).toEqual([message, 4400]);
    }
  });

  it('is the only subprotocol: a socket without it is closed, and others are not selected', async () => {
    const [code] = (await once(new WebSocket(`${gateway.url}/graphql`), 'close')) as [number];
    expect(code).toBe(4406);
    const other = new WebSocket(`${gateway.url}/graphql`, ['graphql-ws', 'other']);
    await expect(once(other, 'open')).rejects.toThrow('Server sent no subprotocol');
  });

  it('closes with 1013 while the keys of tokens cannot be fetched', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const signed = await new SignJWT({ sub: 'alice', aud: 'authenticated' })
      .setProtectedHeader({ alg: 'ES256' })
      .setExpirationTime('1h')
      .sign(privateKey);
    await using away = await createTestGateway({ env: { JWT_SECRET: '', JWT_JWKS_URL: 'http://127.0.0.1:9/keys' } });
    const raw = await openRawSocket(away.port);
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${signed}` } });
    expect((await raw.closed).code).toBe(1013);
  });
});
