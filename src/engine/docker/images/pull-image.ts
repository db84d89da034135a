import type Docker from 'dockerode';
import { DeadlineError, withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import { EngineError } from '../../engine-error.ts';
import { asReadable } from '../streams/as-readable.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { engineMessage, statusOf } from '../connection/engine-failure.ts';
import { iterateStream, type StreamSource } from '../streams/iterate-stream.ts';
import { LineSplitter } from '../streams/line-splitter.ts';
import { findImage } from './find-image.ts';
import type { FindCredentials, RegistryCredentials } from './registry-credentials.ts';
import { toPullFailure } from './pull-failure.ts';
import { PullProgress, type PullLine, type PullReading } from './pull-progress.ts';

const TOTAL_MILLISECONDS = 2 * 60 * 60 * 1000;

export interface PullTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  /** A pull fails after this time without a byte from the engine. */
  readonly stallMilliseconds: number;
  /** Without it, none are sent. */
  readonly findCredentials?: FindCredentials;
}

/**
 * Pulls the image. Reads the stream without the library's reader, which takes an error line, a closed connection and
 * half a line for success, and throws an uncaught error for a line that is not JSON.
 */
export async function pullImage(
  { docker, call, stallMilliseconds, findCredentials }: PullTools,
  imageRef: string,
  signal: AbortSignal,
  onReading: (reading: PullReading) => void,
): Promise<void> {
  const credentials = await findCredentials?.(imageRef).catch((error: unknown) => {
    throw new EngineError('PULL_FAILED', error instanceof Error ? error.message : String(error), { cause: error });
  });
  const lines = iterateStream(pullSource(docker, imageRef, credentials), signal)[Symbol.asyncIterator]();
  const progress = new PullProgress();
  let last: PullReading = { percent: 0, bytesDone: 0, bytesTotal: 0 };
  const readAll = async (total: AbortSignal) => {
    for (;;) {
      const { value: line } = await withDeadline(stallMilliseconds, total, () => lines.next());
      if (line === undefined) return;
      if (line.error !== undefined) throw toPullFailure(imageRef, line.error);
      last = progress.add(line);
      onReading(last);
    }
  };
  const readInTime = () =>
    withDeadline(TOTAL_MILLISECONDS, signal, readAll).catch((error: unknown) => {
      throw toTimeout(error, imageRef);
    });
  try {
    // `call` is used to translate errors; its deadline never comes first.
    await call(`pull image "${imageRef}"`, signal, readInTime, { milliseconds: 2 * TOTAL_MILLISECONDS });
  } finally {
    await lines.return?.();
  }
  // A stream that ends without an error does not prove that the image exists.
  if ((await findImage({ docker, call }, imageRef, signal)) === undefined)
    throw new EngineError('PULL_FAILED', `The engine's pull of image "${imageRef}" ended without the image.`);
  onReading({ ...last, percent: 100 });
}

function pullSource(
  docker: Docker,
  imageRef: string,
  credentials: RegistryCredentials | undefined,
): StreamSource<PullLine> {
  const splitter = new LineSplitter();
  return {
    open: async (abortSignal) => {
      // Without a tag, the engine would pull all tags.
      const options = { fromImage: withTag(imageRef), abortSignal };
      return asReadable(
        await (credentials === undefined ? docker.createImage(options) : docker.createImage(credentials, options)),
      );
    },
    read: (chunk, sink) => splitter.push(chunk).forEach((text) => sink.push(parseLine(text))),
    // Half a line fails to parse: the stream was cut.
    atEnd: (sink) => {
      if (splitter.rest() !== '') sink.push(parseLine(splitter.rest()));
    },
    toError: (error) => {
      const status = statusOf(error);
      if (!(error instanceof Error) || status === undefined) return error;
      return toPullFailure(imageRef, engineMessage(error), { status, cause: error });
    },
  };
}

function parseLine(text: string): PullLine {
  return JSON.parse(text);
}

function toTimeout(error: unknown, imageRef: string): unknown {
  if (!(error instanceof DeadlineError)) return error;
  const seconds = error.milliseconds / 1000;
  return error.milliseconds === TOTAL_MILLISECONDS
    ? new EngineError('PULL_FAILED', `The pull of image "${imageRef}" took longer than ${seconds} s.`, { cause: error })
    : new EngineError('PULL_STALLED', `The pull of image "${imageRef}" received no data for ${seconds} s.`, {
        cause: error,
      });
}

/** Adds the default tag to a reference without tag and digest. */
export function withTag(imageRef: string): string {
  const lastPart = imageRef.slice(imageRef.lastIndexOf('/') + 1);
  return /[:@]/.test(lastPart) ? imageRef : `${imageRef}:latest`;
}
