import { Agent, request } from 'node:http';
import { json, text } from 'node:stream/consumers';

const SOCKET = '/var/run/docker.sock';
const DEADLINE_MS = 60_000;

/** The engine's API over one keep-alive connection, JSON in and out. */
export interface EngineSocket extends Disposable {
  /** Rejects for a status of 400 or more. Undefined for a response without a body. */
  ask<T = undefined>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>;
}

export function openEngineSocket(): EngineSocket {
  const agent = new Agent({ keepAlive: true });
  return {
    async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const payload = body === undefined ? '' : JSON.stringify(body);
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
      const asked = request(
        { socketPath: SOCKET, agent, method, path, headers, signal: AbortSignal.timeout(DEADLINE_MS) },
        (answer) => {
          const { statusCode = 0, headers: told } = answer;
          if (statusCode >= 400) {
            text(answer).then(
              (said) => reject(new Error(`The engine answered ${method} ${path} with ${statusCode}: ${said}`)),
              reject,
            );
          } else if (told['content-type']?.startsWith('application/json') === true) {
            json(answer).then((value) => resolve(value as T), reject);
          } else {
            text(answer).then(() => resolve(undefined as T), reject);
          }
        },
      );
      asked.on('error', reject);
      asked.end(payload);
      return promise;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
