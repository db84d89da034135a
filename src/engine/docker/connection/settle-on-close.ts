import { finished, type Readable } from 'node:stream';
import type DockerModem from 'docker-modem';
import { asReadable } from '../streams/as-readable.ts';

type Dial = (options: DockerModem.DialOptions, callback: (error: unknown, answer?: unknown) => void) => void;

/**
 * Wraps the client's `dial` so that every call settles. The client settles a call only at the end of the response body,
 * and never if the connection closes after the head. Therefore all responses are streams, and non-streaming ones are
 * read here.
 */
export function settleOnClose(dial: Dial): Dial {
  return (options, callback) => {
    // Some of the client's methods take a signal and do not pass it on.
    const { abortSignal }: { readonly abortSignal?: AbortSignal } = { ...options.options, ...options };
    dial({ ...options, ...(abortSignal && { abortSignal }), isStream: true }, (error, answer) => {
      if (error !== null && error !== undefined) {
        callback(error);
        return;
      }
      const stream = asReadable(answer);
      // The caller may be gone, and an error without a listener would end the process.
      stream.on('error', () => undefined);
      if (options.isStream === true) callback(null, stream);
      else readWhole(stream, callback);
    });
  };
}

function readWhole(stream: Readable, callback: (error: unknown, answer?: unknown) => void): void {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  finished(stream, (error) => (error ? callback(error) : callback(null, toAnswer(Buffer.concat(chunks)))));
}

/** Like the client: parses JSON, and returns anything else as bytes. */
function toAnswer(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) ?? bytes;
  } catch {
    return bytes;
  }
}
