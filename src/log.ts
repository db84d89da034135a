import { pino, type Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level?: string;
  /** True where a person reads along: lines in colour instead of JSON. */
  readonly pretty?: boolean;
}

/**
 * The process's logger: one JSON object a line on standard output. `log.child({ vmId })` scopes it.
 * Redaction is a belt over the rule that no secret is ever passed to it.
 */
export async function createLog({ level = 'info', pretty = false }: LogOptions = {}): Promise<Log> {
  const options = {
    level,
    redact: ['*.authorization', '*.password', '*.token', '*.env', '*.value', 'authorization', 'password', 'token', 'env'],
  };
  if (!pretty) return pino(options);
  const { default: pinoPretty } = await import('pino-pretty');
  return pino(options, pinoPretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' }));
}
