import { engineClient, engineEndpoint } from '../prepare/engine-endpoint.js';
import { PrepareFailure } from '../prepare/report.js';

/**
 * One call to the engine; its answer as it begins. `body` is a Buffer or a stream. `silenceMs` without a byte, either way, ends it.
 * Rejects with a PrepareFailure when the engine cannot be asked.
 */
export async function callEngine({ method = 'GET', path, body, headers = {}, silenceMs = 10_000, signal }) {
  const { client, ...endpoint } = engineClient(engineEndpoint());
  return new Promise((resolve, reject) => {
    const request = client.request({ ...endpoint, method, path, headers, agent: false, timeout: silenceMs, signal }, resolve);
    request.once('timeout', () => request.destroy(new Error(`it said nothing for ${Math.round(silenceMs / 1000)} s`)));
    request.once('error', (error) => {
      if (signal?.aborted) reject(signal.reason);
      else reject(new PrepareFailure(`The Docker Engine at ${engineEndpoint()} could not be asked: ${error.message}`));
    });
    if (body === undefined || Buffer.isBuffer(body)) request.end(body);
    else body.once('error', (error) => request.destroy(error)).pipe(request);
  });
}

export async function readText(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The JSON values of an answer that comes line by line. */
export async function* readLines(response) {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}

/** The image as the engine has it: digest of its recipe (undefined when it is not of ours) and size; undefined when it has none. */
export async function findImage(imageRef) {
  const response = await callEngine({ path: `/images/${imageRef}/json` });
  const text = await readText(response);
  if (response.statusCode === 404) return undefined;
  if (response.statusCode !== 200) throw new PrepareFailure(`The engine does not say whether it has ${imageRef}: ${text}`);
  const { Size, Config } = JSON.parse(text);
  return { megabytes: Math.round(Size / 1e6), recipe: Config?.Labels?.[RECIPE_LABEL] };
}

/** On each image that is built here: the digest of what it was built from. */
export const RECIPE_LABEL = 'io.swiftor.recipe';
