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

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  /** Of PORT_TAKEN: the port of the engine's host. */
  readonly port: number | undefined;

  constructor(code: EngineErrorCode, message: string, options: { cause?: unknown; port?: number } = {}) {
    const { port, ...rest } = options;
    super(message, rest);
    this.code = code;
    this.port = port;
  }
}
