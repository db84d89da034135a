import { pino, type Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level?: string;
  /** Coloured text for a terminal instead of JSON. */
  readonly pretty?: boolean;
}

/**
 * The process's logger: one JSON object per line on standard output. `log.child({ vmId })` adds fields to each line.
 * Redaction is a second safeguard: no secret may be passed to it in the first place.
 */
export async function createLog({ level = 'info', pretty = false }: LogOptions = {}): Promise<Log> {
  const options = {
    level,
    redact: [
      '*.authorization',
      '*.password',
      '*.token',
      '*.env',
      '*.value',
      'authorization',
      'password',
      'token',
      'env',
    ],
  };
  if (!pretty) return pino(options);
  const { default: pinoPretty } = await import('pino-pretty');
  return pino(options, pinoPretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' }));
}
