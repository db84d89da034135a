import { EngineError } from '../../engine-error.ts';

const NO_ANSWER = new RegExp(
  [
    'dial tcp|no such host|server misbehaving|no route to host|network is unreachable|connection (refused|reset)',
    'i/o timeout|client\\.timeout|handshake timeout|deadline exceeded|\\bEOF\\b',
  ].join('|'),
  'i',
);
const NOT_THERE = new RegExp(
  [
    'manifest unknown|name unknown|not found|repository does not exist|no matching manifest|invalid reference',
    'pull access denied|access to the resource is denied',
  ].join('|'),
  'i',
);

/** Words of a refusal that name the registry or the image, so that they are not of a failure of the engine itself. */
const OF_THE_REGISTRY =
  /registry|manifest|repository|unauthorized|denied|toomanyrequests|\bHTTP\b|https?:|x509|tls:|blob|digest|layer/i;

/**
 * Why an image could not be pulled, from the engine's words: in the stream of a pull, or, with a `status` of HTTP,
 * instead of one.
 */
export function toPullFailure(
  imageRef: string,
  said: string,
  { status = 200, cause }: { status?: number; cause?: unknown } = {},
): EngineError {
  const options = { cause };
  if (/no space left on device/i.test(said)) {
    const message = `The engine's disk is full; image "${imageRef}" does not fit. The operator has to free space on it: ${said}`;
    return new EngineError('NO_SPACE', message, options);
  }
  // First, for a host name that is "not found" says nothing about the image.
  if (NO_ANSWER.test(said)) {
    return new EngineError('PULL_FAILED', `The registry of image "${imageRef}" could not be reached: ${said}`, options);
  }
  if (NOT_THERE.test(said)) {
    const what = `The registry has no image "${imageRef}", or does not give it to us`;
    return new EngineError(
      'IMAGE_NOT_FOUND',
      `${what}. The operator has to push it, or to correct the catalog: ${said}`,
      options,
    );
  }
  const isRefusal = status < 500 || OF_THE_REGISTRY.test(said);
  return new EngineError('PULL_FAILED', `Image "${imageRef}" could not be pulled: ${said}`, { ...options, isRefusal });
}
