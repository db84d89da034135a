import { EngineError } from '../engine-error.ts';

const NO_ANSWER =
  /dial tcp|no such host|connection refused|connection reset|i\/o timeout|Client\.Timeout|handshake timeout|no route to host|network is unreachable|server misbehaving|deadline exceeded|\bEOF\b/i;
const NOT_THERE =
  /manifest unknown|not found|repository does not exist|pull access denied|access to the resource is denied|name unknown|invalid reference|no matching manifest/i;

/** Why an image could not be pulled, from the engine's words. */
export function toPullFailure(imageRef: string, said: string, cause?: unknown): EngineError {
  const options = { cause };
  if (/no space left on device/i.test(said)) {
    return new EngineError('NO_SPACE', `The engine's disk is full; image "${imageRef}" does not fit: ${said}`, options);
  }
  // First, for a host name that is "not found" says nothing about the image.
  if (NO_ANSWER.test(said)) {
    return new EngineError('PULL_FAILED', `The registry of image "${imageRef}" could not be reached: ${said}`, options);
  }
  if (NOT_THERE.test(said)) {
    return new EngineError('IMAGE_NOT_FOUND', `The registry has no image "${imageRef}", or does not give it to us: ${said}`, options);
  }
  return new EngineError('PULL_FAILED', `Image "${imageRef}" could not be pulled: ${said}`, options);
}
