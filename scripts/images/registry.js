import { callEngine } from './engine-call.js';

const LIMIT_MS = 5_000;

/** Whether the engine can get the image from its registry, as the registry itself says within a few seconds. */
export async function isInRegistry(imageRef) {
  try {
    const response = await callEngine({
      path: `/distribution/${imageRef}/json`,
      silenceMs: LIMIT_MS,
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    response.resume();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}
