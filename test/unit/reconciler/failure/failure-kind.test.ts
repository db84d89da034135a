import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { toPullFailure } from '../../../../src/engine/docker/images/pull-failure.ts';
import { toEngineError } from '../../../../src/engine/docker/connection/engine-failure.ts';
import { EngineError } from '../../../../src/engine/engine-error.ts';
import { DeadlineError } from '../../../../src/lib/concurrency/with-deadline.ts';
import { failureKind } from '../../../../src/reconciler/failure/failure-kind.ts';

/** As the client rejects: with the status and the body of the answer. */
function answered(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message}`), {
    statusCode,
    json: { message },
  });
}
const ofStart = (error: unknown) =>
  toEngineError(error, { endpoint: 'unix:///run/docker.sock', what: 'start a container', refusal: 'START_FAILED' });
const coded = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe("an engine's answer about a VM that boots", () => {
  it.each([
    [400, 'bind source path does not exist: /nowhere', 'START_FAILED'],
    [404, 'No such image: none:1', 'IMAGE_NOT_FOUND'],
    [409, 'Conflict. The container name is already in use', 'START_FAILED'],
    [
      500,
      'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/bin/x": no such file or directory: unknown',
      'START_FAILED',
    ],
    [
      500,
      'failed to create shim task: OCI runtime create failed: runc create failed: exec: "x": executable file not found in $PATH',
      'START_FAILED',
    ],
    [500, 'write /var/lib/docker/x: no space left on device', 'NO_SPACE'],
    [
      500,
      'driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated',
      'PORT_TAKEN',
    ],
    [500, 'listen udp4 127.0.0.1:30000: bind: address already in use', 'PORT_TAKEN'],
    [
      500,
      'error gathering device information while adding custom device "/dev/dri": no such file or directory',
      'START_FAILED',
    ],
    [
      500,
      "failed to mount local volume: mount /dev/swiftor/x:/var/lib/docker/volumes/x/_data: can't read superblock",
      'START_FAILED',
    ],
    [500, 'network 4f2a not found', 'START_FAILED'],
    [500, 'could not select device driver "nvidia" with capabilities: [[gpu]]', 'START_FAILED'],
    [500, 'unable to find user nobody: no matching entries in passwd file', 'START_FAILED'],
  ])('is %i: %s', (status, said, code) => {
    const error = ofStart(answered(status, said));
    expect([error.code, failureKind(error, 'STARTING')]).toEqual([code, 'verdict']);
  });

  it.each([
    'toomanyrequests: rate limit',
    'received unexpected HTTP status: 503 Service Unavailable',
    'x509: unknown authority',
  ])('is what it says of the registry, also as a 500: %s', (said) =>
    expect(failureKind(toPullFailure('x:1', said, { status: 500 }), 'PULLING')).toBe('verdict'),
  );

  it.each(['RUNNING', 'DEGRADED', 'UNKNOWN'] as const)(
    'is no verdict on a VM that is %s, because only the observation failed',
    (status) => {
      expect(failureKind(ofStart(answered(403, 'authorization denied by plugin')), status)).toBe('outage');
    },
  );
});

describe('an outage of engine or database says nothing about the VM', () => {
  it.each([
    ['an internal error', answered(500, 'out of order')],
    ['an internal error without a word', answered(500, '')],
    ['a gateway in front of it', answered(502, 'Bad Gateway')],
    ['one that asks for patience', answered(429, 'Too Many Requests')],
    ['a status that the call does not have', answered(200, '{"Id": [')],
    [
      'one that names the runtime, of a moment',
      answered(500, 'failed to create shim task: context deadline exceeded: unknown'),
    ],
    [
      'one whose runtime is away',
      answered(500, 'OCI runtime create failed: connection error: dial unix x.sock: connection refused: unavailable'),
    ],
    ['one whose words only contain a known one', answered(500, 'truncated')],
    ['an answer that is not understood', new TypeError('its answer describes no container.')],
    ['JSON that is none', new SyntaxError('Unexpected token')],
    ['a deadline', new DeadlineError(5_000)],
    ['a connection that was cut', new Error('socket hang up')],
    ['a refused connection', coded('ECONNREFUSED')],
    ['bytes that are no HTTP', coded('HPE_INVALID_CONSTANT')],
    ['no error at all', undefined],
  ])('%s', (_what, error) => {
    for (const status of ['QUEUED', 'STARTING', 'RUNNING'] as const)
      expect(failureKind(ofStart(error), status)).toBe('outage');
  });

  it('a pull that the engine interrupted is an outage', () => {
    expect(failureKind(toPullFailure('x:1', 'out of order', { status: 500 }), 'PULLING')).toBe('outage');
    expect(failureKind(toPullFailure('x:1', 'something of its own'), 'PULLING')).toBe('verdict');
  });

  it.each([
    ['a connection that ended', new Error('Connection terminated unexpectedly')],
    ['one that it ended', Object.assign(new pg.DatabaseError('terminating connection', 0, 'error'), { code: '57P01' })],
    ['a deadlock', Object.assign(new pg.DatabaseError('deadlock detected', 0, 'error'), { code: '40P01' })],
    ['none to be had', new Error('timeout exceeded when trying to connect')],
  ])('the database: %s', (_what, error) => {
    expect(failureKind(error, 'STARTING')).toBe('outage');
  });
});

it.each([new TypeError('x is undefined'), new Error('This is ours'), 'a text', undefined])(
  'a defect of ours is no failure of the VM: %s',
  (error) => {
    expect(failureKind(error, 'STARTING')).toBe('fault');
  },
);

it('an engine error is a refusal by default, unless the engine did not answer', () => {
  expect(new EngineError('ENGINE_UNREACHABLE', 'no').isRefusal).toBe(false);
  expect(new EngineError('ENGINE_TIMEOUT', 'no').isRefusal).toBe(false);
  expect(new EngineError('START_FAILED', 'no').isRefusal).toBe(true);
  expect(new EngineError('START_FAILED', 'no', { isRefusal: false }).isRefusal).toBe(false);
});
