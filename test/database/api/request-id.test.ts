import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/errors.ts';
import { codeOf, logFailure } from '../../../src/lib/log-failure.ts';
import { chooseRequestId, requestIdOf } from '../../../src/http/request/request-id.ts';
import { useApi } from '../../support/api/use-api.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openKnownSocket } from '../../support/ingress/raw-socket.ts';

const NEW = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const ERROR = 50;
const DEBUG = 20;

describe("a request's id", () => {
  it.each(['a', '7', 'trace-1.2_3', 'x'.repeat(64)])('is the one that the client sent: "%s"', (given) => {
    expect(chooseRequestId(given)).toBe(given);
  });
  it.each([undefined, '', ' ', 'a b', 'a,b', 'ü', 'x'.repeat(65), '"', 'a\n', ['a', 'b']])(
    'is generated instead of %j',
    (given) => {
      expect(chooseRequestId(given)).toMatch(NEW);
    },
  );
  it('stays the same for the life of the request', () => {
    const request = { headers: {} };
    expect(requestIdOf(request)).toBe(requestIdOf(request));
    expect(requestIdOf({ headers: {} })).not.toBe(requestIdOf(request));
  });
});

describe('the log line of a failed request', () => {
  const linesOf = (cause: unknown): Record<string, unknown>[] => {
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
    logFailure(log, { requestId: 'r', operation: 'GET /vms', code: codeOf(cause) }, cause);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  it('is an error with a stack for an internal error', () => {
    const [line, ...more] = linesOf(new Error('boom'));
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      level: ERROR,
      requestId: 'r',
      operation: 'GET /vms',
      code: 'INTERNAL_SERVER_ERROR',
      err: { message: 'boom' },
    });
  });
  it.each(['UNAVAILABLE', 'BAD_USER_INPUT', 'RATE_LIMITED', 'NOT_FOUND'] as const)(
    'has no stack and the level debug for %s',
    (code) => {
      const [line, ...more] = linesOf(new ApiError(code, undefined, { cause: new Error('Connection terminated') }));
      expect(more).toEqual([]);
      expect(line).toMatchObject({ level: DEBUG, requestId: 'r', operation: 'GET /vms', code });
      expect(JSON.stringify(line)).not.toMatch(/stack|terminated/);
    },
  );
});

describe('every answer', () => {
  const gateway = useApi();
  let token: string;
  beforeAll(async () => {
    token = await gateway.token('alice');
  });
  const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> =>
    fetch(gateway.url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...headers } });
  /** The lines of the log about this request, as soon as there are any. */
  const linesOf = (requestId: string | null): Promise<Record<string, unknown>[]> =>
    eventually(() => {
      const lines = gateway.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      const own = lines.filter((line) => line['requestId'] === requestId);
      return own.length > 0 && own;
    });

  it.each<[string, number, Record<string, string>]>([
    ['/health/live', 200, {}],
    ['/health/ready', 200, {}],
    ['/metrics', 200, {}],
    ['/vms', 200, {}],
    ['/vms', 401, { authorization: '' }],
    ['/vms/1', 404, {}],
    ['/nothing', 404, {}],
    ['/openapi.json', 200, {}],
    ['/graphql?query={__typename}', 200, {}],
    ['/graphql?query={', 400, { accept: 'application/graphql-response+json' }],
    ['/graphql?query={__typename}', 200, { accept: 'text/event-stream' }],
    ['/graphql?query={__typename}', 401, { authorization: '' }],
    ['/', 404, { host: 'elsewhere.example' }],
  ])("carries an id, or its client's: GET %s, %i", async (path, status, headers) => {
    const first = await ask(path, headers);
    const second = await ask(path, { ...headers, 'x-request-id': 'mine-1' });
    expect([first.status, second.status]).toEqual([status, status]);
    expect(first.headers.get('x-request-id')).toMatch(NEW);
    expect(second.headers.get('x-request-id')).toBe('mine-1');
    await Promise.all([first.body?.cancel(), second.body?.cancel()]);
  });

  it('to an internal error also has it in the body, and the log has it once', async () => {
    await gateway.createVm(token, 'mine');
    await executeSql(gateway.databaseUrl, 'alter table vm rename to away');
    const query = '{ a: vms { totalCount } b: vms { totalCount } }';
    try {
      const overHttp = await gateway.post(token, `query Mine ${query}`);
      const { errors } = (await overHttp.json()) as { errors: { message: string; extensions: object }[] };
      const httpId = overHttp.headers.get('x-request-id');
      for (const { extensions } of errors)
        expect(extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', requestId: httpId });
      expect(await linesOf(httpId)).toEqual([
        expect.objectContaining({ level: ERROR, code: 'INTERNAL_SERVER_ERROR', err: expect.anything() }),
      ]);

      const overRest = await ask('/vms', { 'x-request-id': 'rest-1' });
      expect([overRest.status, await overRest.json()]).toEqual([
        500,
        {
          error: 'Something went wrong on our side; the request id helps us find it.',
          code: 'INTERNAL_SERVER_ERROR',
          requestId: 'rest-1',
        },
      ]);
      expect(await linesOf('rest-1')).toEqual([
        expect.objectContaining({ operation: 'GET /vms', code: 'INTERNAL_SERVER_ERROR' }),
      ]);

      const overSse = await ask(`/graphql?query=${encodeURIComponent(query)}`, {
        accept: 'text/event-stream',
        'x-request-id': 'sse-1',
      });
      expect(await overSse.text()).toContain('"requestId":"sse-1"');
      expect(await linesOf('sse-1')).toHaveLength(1);

      const socket = await openKnownSocket(gateway.port, token, { headers: { 'x-request-id': 'ws-1' } });
      socket.send({ id: '1', type: 'subscribe', payload: { query } });
      expect(JSON.stringify(await socket.next(({ type }) => type === 'next'))).toContain('"requestId":"ws-1"');
      expect(await linesOf('ws-1')).toHaveLength(1);
      socket.socket.close();
    } finally {
      await executeSql(gateway.databaseUrl, 'alter table away rename to vm');
    }
  });
});
