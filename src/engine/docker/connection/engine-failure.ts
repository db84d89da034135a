import { DeadlineError } from '../../../lib/with-deadline.ts';
import { EngineError, type EngineErrorCode } from '../../engine-error.ts';

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

/** What was asked of which engine, and what a refusal of it means. */
export interface CallContext {
  readonly endpoint: string;
  /** The rest of a sentence: 'list the containers'. */
  readonly what: string;
  readonly refusal: EngineErrorCode;
}

/** The HTTP status that the engine answered with, of a client's error or of the EngineError made from it. */
export function statusOf(error: unknown): number | undefined {
  const source = error instanceof EngineError ? error.cause : error;
  return source instanceof Error && 'statusCode' in source && typeof source.statusCode === 'number' ? source.statusCode : undefined;
}

/** The engine's own words, at most 1000 characters of them. */
export function engineMessage(error: Error): string {
  return error.message
    .replace(/^\(HTTP code \d+\) .*? - /, '')
    .trim()
    .slice(0, 1000);
}

/** The EngineError that stands for whatever a call to the engine rejected with. */
export function toEngineError(error: unknown, { endpoint, what, refusal }: CallContext): EngineError {
  if (error instanceof EngineError) return error;
  const options = { cause: error };
  if (error instanceof DeadlineError) {
    return new EngineError('ENGINE_TIMEOUT', `The engine at ${endpoint} did not ${what} within ${error.milliseconds / 1000} s.`, options);
  }
  if (!(error instanceof Error)) {
    return new EngineError('ENGINE_REFUSED', `The engine at ${endpoint} did not ${what}.`, { ...options, isRefusal: false });
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const isCut = /socket hang up|aborted|premature close/i.test(error.message);
  const known = UNREACHABLE[code] ?? (isCut ? 'the connection was closed' : undefined);
  if (known !== undefined) return new EngineError('ENGINE_UNREACHABLE', `The engine at ${endpoint} cannot be reached: ${known}.`, options);
  if (code.startsWith('HPE_')) return new EngineError('ENGINE_UNREACHABLE', `What answers at ${endpoint} is not a Docker Engine.`, options);
  if (statusOf(error) === undefined) {
    const message = `The engine at ${endpoint} answered in a way that is not understood: ${error.message}`;
    return new EngineError('ENGINE_REFUSED', message, { ...options, isRefusal: false });
  }
  const said = engineMessage(error);
  if (/no space left on device/i.test(said)) {
    return new EngineError('NO_SPACE', `The engine's disk is full. The operator has to free space on it: ${said}`, options);
  }
  if (statusOf(error) === 404 && /no such image/i.test(said)) return new EngineError('IMAGE_NOT_FOUND', said, options);
  const port = takenPort(said);
  if (port !== undefined) {
    const message = `Port ${port} of the engine's host is held by something else. The operator can free it, or give VMs others with FORWARD_PORTS.`;
    return new EngineError('PORT_TAKEN', message, { ...options, port });
  }
  if (/failed to mount local volume: .*: (?:invalid argument|structure needs cleaning|bad message)/i.test(said)) {
    return new EngineError(
      'DATA_LOST',
      `The file system of a volume is damaged. The operator can repair it, or put a copy back: ${said}`,
      options,
    );
  }
  const isRefusal = isOfTheCaller(statusOf(error) ?? 0) || isKnownRefusal(said);
  if (refusal === 'START_FAILED') return new EngineError(refusal, toStartMessage(said), { ...options, isRefusal });
  const message = `The engine at ${endpoint} ${isRefusal ? 'refused to' : 'did not'} ${what}: ${said}`;
  return new EngineError(refusal, message, { ...options, isRefusal });
}

/** Words of a 5xx that tell of a moment, also where the rest names the container: the engine is busy, or what it calls is not there. */
const PASSING = new RegExp(
  [
    'deadline exceeded|context canceled|timed? ?out|connection (refused|reset)|broken pipe|transport is closing|\\bEOF\\b',
    'ttrpc: closed|shim disconnected|: unavailable|temporarily unavailable|try again|too many open files|cannot allocate memory',
    'xtables lock|database is locked|shutting down|operation was canceled',
  ].join('|'),
  'i',
);

/** Words of a 5xx that are about the container or what its host has for it: the engine says most of what keeps one from its start so. */
const REFUSALS = new RegExp(
  [
    'OCI runtime|\\brunc\\b|exec format error|executable file not found|no such file or directory|not a directory|permission denied',
    'operation not permitted|invalid argument|read-only file system|no space left|disk quota exceeded|address already in use',
    'port is already allocated|gathering device information|no such device|could not select device driver|failed to mount|error mounting',
    'mounting volume|invalid mount|unknown (or invalid )?runtime|network \\S+ not found|no available (IPv4|IPv6|addresses)',
    'unable to find user|no matching entries|(seccomp|apparmor|cgroup|capabilit)\\w*|not supported|unsupported',
  ].join('|'),
  'i',
);

/** Whether the status says that the request is at fault, and not its moment (too slow, too early, too often). */
function isOfTheCaller(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

/** Whether any other answer is the engine's word on the machine, and not a failure of the engine itself. */
function isKnownRefusal(said: string): boolean {
  return REFUSALS.test(said) && !PASSING.test(said);
}

/** Of a start that was refused because the port is another container's, or another program's. */
function takenPort(said: string): number | undefined {
  if (!/port is already allocated|address already in use/i.test(said)) return undefined;
  const [, port] = /(?:Bind for|listen (?:tcp|udp)[46]?|host port(?: for)?) (?:\[[^\]]*\]|[^\s:]*):(\d+)/i.exec(said) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** runc names the program that it could not execute, after a chain of its own functions. */
function toStartMessage(said: string): string {
  const [, runtime] = /unknown (?:or invalid )?runtime (?:specified|name:?) (\S+)/i.exec(said) ?? [];
  if (runtime !== undefined) {
    return `The container cannot start: its region's engine has no runtime "${runtime}". The operator has to install it there, or to correct RUNTIMES.`;
  }
  const [, program, why] = /exec: "([^"]+)": (.+?)(?:: unknown)?$/.exec(said) ?? [];
  if (program === undefined) return `The container cannot start: ${said}`;
  return `The container cannot start: its image has no program "${program}" that can be run. The operator has to correct the image or the catalog: ${why}`;
}
