import { finished, type Readable } from 'node:stream';
import type DockerModem from 'docker-modem';
import { asReadable } from '../streams/as-readable.ts';

type Dial = (options: DockerModem.DialOptions, callback: (error: unknown, answer?: unknown) => void) => void;

/**
 * The client's way to send a request, with an end for each. Left alone, the client settles a call only at the end of the answer's body: when
 * the connection closes after the head, it never does. So each answer is taken as a stream, and read here where the caller wants it whole.
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
      // Whoever asked may have gone meanwhile; an error that nobody listens for would end the process.
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

/** As the client does it: what is no JSON stays bytes. */
function toAnswer(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) ?? bytes;
  } catch {
    return bytes;
  }
}
