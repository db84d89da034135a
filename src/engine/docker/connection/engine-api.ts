import { Readable } from 'node:stream';
import type { EngineApi, EngineRequest } from '../../engine-api.ts';
import { asReadable } from '../streams/as-readable.ts';
import { connect, type ConnectOptions } from './connect.ts';
import { createEngineCall } from './engine-call.ts';

const CALL_MILLISECONDS = 15_000;
const ACCEPTED = { 200: true, 201: true, 204: true };

/** The API of an engine, for calls that have no method in the driver contract. It connects with its first call. */
export function createEngineApi(endpoint: string, options: ConnectOptions = {}): EngineApi {
  const { docker, close } = connect(endpoint, options);
  const call = createEngineCall(endpoint, CALL_MILLISECONDS);
  const send = (request: EngineRequest, signal: AbortSignal, isStream: boolean): Promise<unknown> => {
    const { method, path, query, body, what, milliseconds } = request;
    const work = (abortSignal: AbortSignal) =>
      new Promise((resolve, reject) => {
        const dialed = {
          // The library sends options as a query only to a path that ends with a question mark.
          path: `${path}?`,
          method,
          abortSignal,
          isStream,
          statusCodes: ACCEPTED,
          ...(body instanceof Readable && { file: body as NodeJS.ReadableStream }),
          options: { _query: query ?? {}, _body: body instanceof Readable ? {} : (body ?? {}) },
        };
        docker.modem.dial(dialed, (error, answer) => (error === null ? resolve(answer) : reject(error)));
      });
    return call(what, signal, work, milliseconds === undefined ? {} : { milliseconds });
  };
  return {
    ask: (request, signal) => send(request, signal, false),
    async open(request, signal) {
      const stream = asReadable(await send(request, signal, true));
      signal.addEventListener('abort', () => stream.destroy(), { once: true });
      return stream;
    },
    close,
  };
}
