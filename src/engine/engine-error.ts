/** Why an engine call failed. Failures of VMs carry these codes, too. */
export const ENGINE_ERROR_CODES = [
  'ENGINE_UNREACHABLE',
  'ENGINE_TIMEOUT',
  'IMAGE_NOT_FOUND',
  'PULL_FAILED',
  'PULL_STALLED',
  'NO_SPACE',
  'DATA_LOST',
  'START_FAILED',
  'ISOLATION_FAILED',
  'PORT_TAKEN',
  'NODE_LOST',
  'NODE_DRAINED',
  'NO_CAPACITY',
  'ENGINE_REFUSED',
] as const;

export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

/** Codes of calls that did not reach the engine, or whose answer was lost. */
const UNANSWERED: ReadonlySet<EngineErrorCode> = new Set(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT', 'NODE_LOST']);

export interface EngineErrorOptions {
  readonly cause?: unknown;
  readonly port?: number;
  readonly isRefusal?: boolean;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  /** Only with PORT_TAKEN: the port of the engine's host. */
  readonly port: number | undefined;
  /**
   * True if the engine understood the request and refused it. False if the answer is missing, incomplete or an internal
   * error: the machine's state is then unknown, and the same call may succeed a moment later.
   */
  readonly isRefusal: boolean;

  constructor(code: EngineErrorCode, message: string, options: EngineErrorOptions = {}) {
    const { port, isRefusal = !UNANSWERED.has(code), ...rest } = options;
    super(message, rest);
    this.code = code;
    this.port = port;
    this.isRefusal = isRefusal;
  }
}
