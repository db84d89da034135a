import { withAdvice } from '../connection/with-advice.ts';
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

/** Words that occur in refusals of a registry, not in failures of the engine itself. */
const OF_THE_REGISTRY =
  /registry|manifest|repository|unauthorized|denied|toomanyrequests|\bHTTP\b|https?:|x509|tls:|blob|digest|layer/i;

/**
 * Translates the engine's message about a failed pull. The message comes from the stream of the pull, or from the
 * response with the HTTP `status` that replaced the stream.
 */
export function toPullFailure(
  imageRef: string,
  text: string,
  { status = 200, cause }: { status?: number; cause?: unknown } = {},
): EngineError {
  const options = { cause };
  if (/no space left on device/i.test(text)) {
    const what = `The engine's disk is full; image "${imageRef}" does not fit`;
    return new EngineError('NO_SPACE', withAdvice(what, text, 'The operator has to free space on it.'), options);
  }
  // First, because a host name that is "not found" says nothing about the image.
  if (NO_ANSWER.test(text)) {
    return new EngineError('PULL_FAILED', `The registry of image "${imageRef}" could not be reached: ${text}`, options);
  }
  if (NOT_THERE.test(text)) {
    const what = `The registry has no image "${imageRef}", or does not give it to us`;
    const advice = 'The operator has to push it, or to correct the catalog.';
    return new EngineError('IMAGE_NOT_FOUND', withAdvice(what, text, advice), options);
  }
  const isRefusal = status < 500 || OF_THE_REGISTRY.test(text);
  return new EngineError('PULL_FAILED', `Image "${imageRef}" could not be pulled: ${text}`, { ...options, isRefusal });
}
