import { DeadlineError } from '../../../lib/concurrency/with-deadline.ts';
import { errorCode } from '../../../lib/error-code.ts';
import { EngineError, type EngineErrorCode } from '../../engine-error.ts';
import { withAdvice } from './with-advice.ts';

const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no socket; is the engine installed and running?',
  EACCES: 'this user may not open the socket; add it to the group "docker"',
  ECONNREFUSED: 'nothing listens there; is the engine running?',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name cannot be looked up now',
  ETIMEDOUT: 'its host does not answer',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was closed',
};

/** The engine, the call, and the error code of a refusal. */
export interface CallContext {
  readonly endpoint: string;
  /** A verb phrase for messages: 'list the containers'. */
  readonly what: string;
  readonly refusal: EngineErrorCode;
}

/** The engine's HTTP status, from the client's error or the EngineError that wraps it. */
export function statusOf(error: unknown): number | undefined {
  const source = error instanceof EngineError ? error.cause : error;
  return source instanceof Error && 'statusCode' in source && typeof source.statusCode === 'number'
    ? source.statusCode
    : undefined;
}

/** The engine's message without the client's prefix, at most 1000 characters. */
export function engineMessage(error: Error): string {
  return error.message
    .replace(/^\(HTTP code \d+\) .*? - /, '')
    .trim()
    .slice(0, 1000);
}

/** Converts any rejection of an engine call to an EngineError. */
export function toEngineError(error: unknown, { endpoint, what, refusal }: CallContext): EngineError {
  if (error instanceof EngineError) return error;
  const options = { cause: error };
  if (error instanceof DeadlineError) {
    return new EngineError(
      'ENGINE_TIMEOUT',
      `The engine at ${endpoint} did not ${what} within ${error.milliseconds / 1000} s.`,
      options,
    );
  }
  if (!(error instanceof Error)) {
    return new EngineError('ENGINE_REFUSED', `The engine at ${endpoint} did not ${what}.`, {
      ...options,
      isRefusal: false,
    });
  }
  const code = errorCode(error) ?? '';
  const isCut = /socket hang up|aborted|premature close/i.test(error.message);
  if (code === 'ESSH' || isTlsFailure(code))
    return new EngineError(
      'ENGINE_UNREACHABLE',
      `The engine at ${endpoint} cannot be reached: ${error.message}.`,
      options,
    );
  const known = UNREACHABLE[code] ?? (isCut ? 'the connection was closed' : undefined);
  if (known !== undefined)
    return new EngineError('ENGINE_UNREACHABLE', `The engine at ${endpoint} cannot be reached: ${known}.`, options);
  if (code.startsWith('HPE_'))
    return new EngineError('ENGINE_UNREACHABLE', `What answers at ${endpoint} is not a Docker Engine.`, options);
  if (statusOf(error) === undefined) {
    const message = `The engine at ${endpoint} answered in a way that is not understood: ${error.message}`;
    return new EngineError('ENGINE_REFUSED', message, { ...options, isRefusal: false });
  }
  const text = engineMessage(error);
  if (/no space left on device/i.test(text)) {
    const advice = 'The operator has to free space on it.';
    return new EngineError('NO_SPACE', withAdvice("The engine's disk is full", text, advice), options);
  }
  if (statusOf(error) === 404 && /no such image/i.test(text)) return new EngineError('IMAGE_NOT_FOUND', text, options);
  const port = takenPort(text);
  if (port !== undefined) {
    const message =
      `Port ${port} of the engine's host is held by something else. The operator can free it, or give VMs ` +
      'others with FORWARD_PORTS.';
    return new EngineError('PORT_TAKEN', message, { ...options, port });
  }
  if (/failed to mount local volume: .*: (?:invalid argument|structure needs cleaning|bad message)/i.test(text)) {
    const advice = 'The operator can repair it, or put a copy back.';
    return new EngineError('DATA_LOST', withAdvice('The file system of a volume is damaged', text, advice), options);
  }
  const isRefusal = isOfTheCaller(statusOf(error) ?? 0) || isKnownRefusal(text);
  if (refusal === 'START_FAILED') return new EngineError(refusal, toStartMessage(text), { ...options, isRefusal });
  const message = `The engine at ${endpoint} ${isRefusal ? 'refused to' : 'did not'} ${what}: ${text}`;
  return new EngineError(refusal, message, { ...options, isRefusal });
}

/** Of Node's TLS: the engine's certificate does not hold, or ours is refused. */
function isTlsFailure(code: string): boolean {
  return /^(ERR_(TLS|SSL|OSSL)|CERT_|DEPTH_ZERO|UNABLE_TO_|SELF_SIGNED)/.test(code) || code === 'EPROTO';
}

/** Messages of a 5xx about a temporary condition: the engine is busy, or one of its dependencies is unavailable. */
const PASSING = new RegExp(
  [
    'deadline exceeded|context canceled|timed? ?out|connection (refused|reset)|broken pipe|transport is closing|\\bEOF\\b',
    'ttrpc: closed|shim disconnected|: unavailable|temporarily unavailable|try again',
    'too many open files|cannot allocate memory',
    'xtables lock|database is locked|shutting down|operation was canceled',
  ].join('|'),
  'i',
);

/** Messages of a 5xx about the container or its host's resources. Engines report most failed starts this way. */
const REFUSALS = new RegExp(
  [
    'OCI runtime|\\brunc\\b|exec format error|executable file not found|no such file or directory|not a directory',
    'permission denied|operation not permitted|invalid argument|read-only file system|no space left',
    'disk quota exceeded|address already in use|port is already allocated|gathering device information',
    'no such device|could not select device driver|failed to mount|error mounting',
    'mounting volume|invalid mount|unknown (or invalid )?runtime|network \\S+ not found',
    'no available (IPv4|IPv6|addresses)',
    'unable to find user|no matching entries|(seccomp|apparmor|cgroup|capabilit)\\w*|not supported|unsupported',
  ].join('|'),
  'i',
);

/** True if the status blames the request itself, not its timing (too slow, too early, too often). */
function isOfTheCaller(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

/** True if the message of a 5xx is about the machine, not about a failure of the engine. */
function isKnownRefusal(text: string): boolean {
  return REFUSALS.test(text) && !PASSING.test(text);
}

/** The port of a start that was refused because another container or program uses it. */
function takenPort(text: string): number | undefined {
  if (!/port is already allocated|address already in use/i.test(text)) return undefined;
  const [, port] =
    /(?:Bind for|listen (?:tcp|udp)[46]?|host port(?: for)?) (?:\[[^\]]*\]|[^\s:]*):(\d+)/i.exec(text) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** Extracts the missing runtime, or the program that runc could not execute. */
function toStartMessage(text: string): string {
  const [, runtime] = /unknown (?:or invalid )?runtime (?:specified|name:?) (\S+)/i.exec(text) ?? [];
  if (runtime !== undefined) {
    return (
      `The container cannot start: its region's engine has no runtime "${runtime}". The operator has to install ` +
      'it there, or to correct RUNTIMES.'
    );
  }
  const [, program, why] = /exec: "([^"]+)": (.+?)(?:: unknown)?$/.exec(text) ?? [];
  if (program === undefined) return `The container cannot start: ${text}`;
  const what = `The container cannot start: its image has no program "${program}" that can be run`;
  return withAdvice(what, why ?? '', 'The operator has to correct the image or the catalog.');
}
