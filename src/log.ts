import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level?: string;
  /** Coloured text for a terminal instead of JSON. */
  readonly pretty?: boolean;
  /** Standard error for commands whose standard output is their result; a stream for who reads the lines. */
  readonly to?: 'stdout' | 'stderr' | DestinationStream;
}

/**
 * The process's logger: one JSON object per line. `log.child({ vmId })` adds fields to each line.
 * Redaction is a second safeguard: no secret may be passed to it in the first place.
 */
export async function createLog({ level = 'info', pretty = false, to = 'stdout' }: LogOptions = {}): Promise<Log> {
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
  if (typeof to !== 'string') return pino(options, to);
  const destination = to === 'stdout' ? 1 : 2;
  if (!pretty) return pino(options, pino.destination(destination));
  const { default: pinoPretty } = await import('pino-pretty');
  return pino(
    options,
    pinoPretty({ sync: true, destination, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' }),
  );
}
