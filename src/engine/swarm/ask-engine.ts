import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import { EngineError } from '../engine-error.ts';

/** One call of an engine's API. Resolves to the parsed answer; undefined if it is empty. */
export type AskEngine = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  signal: AbortSignal,
  body?: object,
) => Promise<unknown>;

export interface EngineApi {
  readonly ask: AskEngine;
  /** The answer as a stream. It has an error listener, and ends with the signal. */
  readonly open: (path: string, signal: AbortSignal) => Promise<Readable>;
  /** Ends all calls and streams. */
  readonly close: () => Promise<void>;
}

/** The answer of an engine that refused. */
export class EngineAnswerError extends Error {
  override readonly name = 'EngineAnswerError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * The API of the engine at `unix:///path` or `tcp://host:port`, for what only a swarm has. Calls reject with an
 * EngineAnswerError if the engine refuses, or with ENGINE_UNREACHABLE; their deadline is the caller's signal.
 */
export function createEngineApi(endpoint: string): EngineApi {
  const path = /^unix:\/\/(\/.+)$/i.exec(endpoint)?.[1];
  // An event stream is silent for as long as nothing happens.
  const times = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 5_000 } };
  const pool =
    path === undefined
      ? new Pool(endpoint.replace(/^tcp:/i, 'http:'), times)
      : new Pool('http://engine', { ...times, socketPath: path });
  const send = async (method: 'GET' | 'POST' | 'DELETE', path: string, signal: AbortSignal, body?: object) => {
    try {
      const answer = await pool.request({
        method,
        path,
        signal,
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      answer.body.on('error', () => undefined);
      return answer;
    } catch (error) {
      throw signal.aborted ? signal.reason : unreachable(error);
    }
  };
  return {
    async ask(method, path, signal, body) {
      const answer = await send(method, path, signal, body);
      const text = await answer.body.text().catch((error: unknown) => {
        throw signal.aborted ? signal.reason : unreachable(error);
      });
      if (answer.statusCode >= 400) throw new EngineAnswerError(answer.statusCode, messageOf(text));
      return text === '' ? undefined : JSON.parse(text);
    },
    async open(path, signal) {
      const answer = await send('GET', path, signal);
      if (answer.statusCode < 400) return answer.body;
      throw new EngineAnswerError(answer.statusCode, messageOf(await answer.body.text()));
    },
    close: () => pool.destroy(),
  };
}

function unreachable(cause: unknown): EngineError {
  return new EngineError('ENGINE_UNREACHABLE', 'The manager of the swarm cannot be reached.', { cause });
}

/** Without what gRPC puts before it. */
function messageOf(text: string): string {
  const [, message = text] = /"message":"((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
  return message.replace(/^rpc error: code = \w+ desc = /, '').slice(0, 500);
}
