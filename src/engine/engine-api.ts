import type { Readable } from 'node:stream';
import { EngineError } from './engine-error.ts';

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Without version and query: '/services/create'. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as it is if it is a stream. */
  readonly body?: object | Readable;
  /** A verb phrase for messages: 'list the nodes'. */
  readonly what: string;
  /** Default: 15 s. */
  readonly milliseconds?: number;
}

/** Calls of an engine's API that the driver contract does not have. They reject with an EngineError. */
export interface EngineApi {
  /** Resolves to the parsed answer. */
  ask(request: EngineRequest, signal: AbortSignal): Promise<unknown>;
  /** Resolves to the answer as a stream, which has an error listener and ends with the signal. */
  open(request: EngineRequest, signal: AbortSignal): Promise<Readable>;
  /** Destroys every socket. */
  close(): void;
}

/** The HTTP status of an engine's refusal; undefined if the error is none. */
export function refusalStatus(error: unknown): number | undefined {
  const source = error instanceof EngineError ? error.cause : undefined;
  return source instanceof Error && 'statusCode' in source && typeof source.statusCode === 'number'
    ? source.statusCode
    : undefined;
}
