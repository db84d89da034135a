/** Why an engine did not do what it was asked: the closed list that failures of VMs are explained with. */
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
  'ENGINE_REFUSED',
] as const;

export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

/** Codes that say nothing of what was asked: the question did not arrive, or its answer did not. */
const UNANSWERED: ReadonlySet<EngineErrorCode> = new Set(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT']);

export interface EngineErrorOptions {
  readonly cause?: unknown;
  readonly port?: number;
  readonly isRefusal?: boolean;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  /** Of PORT_TAKEN: the port of the engine's host. */
  readonly port: number | undefined;
  /**
   * Whether the engine understood what was asked and refused it. If not, it did not answer well (an internal error, half an answer, none
   * at all): nothing is known of the machine, and the same call may succeed a moment later.
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
