import { engineClient } from './engine-endpoint.js';

/**
 * Asks a Docker Engine whether it is there.
 * @returns undefined when it answers, otherwise the reason as a short text (an error code such as EACCES where there is one).
 */
export function pingEngine(endpoint, timeoutMs = 3000) {
  let options;
  try {
    options = engineClient(endpoint);
  } catch (error) {
    return Promise.resolve(error.message);
  }
  const { client, ...rest } = options;
  return new Promise((resolve) => {
    const request = client.get({ ...rest, path: '/_ping', timeout: timeoutMs, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? undefined : `HTTP status ${response.statusCode}`);
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.once('error', (error) => resolve(error.code ?? error.message));
  });
}
