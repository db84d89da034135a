import type { Readable } from 'node:stream';
import { asReadable } from '../../../src/engine/docker/streams/as-readable.ts';
import { iterateStream } from '../../../src/engine/docker/streams/iterate-stream.ts';
import { LineSplitter } from '../../../src/engine/docker/streams/line-splitter.ts';
import type { EngineCall } from '../../../src/engine/docker/connection/engine-call.ts';
import type { EngineLine } from './build-progress.ts';

interface EngineAnswer {
  /** The rest of a sentence: 'build the image'. */
  readonly what: string;
  readonly call: EngineCall;
  /** Of the whole answer. */
  readonly milliseconds: number;
  /** Without a line, after which it is given up. */
  readonly silenceMilliseconds: number;
  readonly open: (signal: AbortSignal) => Promise<unknown>;
  readonly onLine: (line: EngineLine) => void;
}

/** Reads an answer of JSON lines to its end. Rejects with an EngineError, or with the signal's reason. */
export async function readEngineLines(answer: EngineAnswer, signal: AbortSignal): Promise<void> {
  const { what, call, milliseconds, silenceMilliseconds, open, onLine } = answer;
  const silence = new AbortController();
  const seconds = Math.round(silenceMilliseconds / 1000);
  const timer = setTimeout(() => silence.abort(new Error(`it said nothing for ${seconds} s`)), silenceMilliseconds);
  const read = async (abortSignal: AbortSignal) => {
    const splitter = new LineSplitter();
    const source = {
      open: async (opening: AbortSignal): Promise<Readable> => asReadable(await open(opening)),
      read: (chunk: Buffer, sink: { push: (line: EngineLine) => void }) =>
        splitter.push(chunk).forEach((text) => sink.push(JSON.parse(text))),
      toError: (error: unknown) => error,
    };
    for await (const line of iterateStream<EngineLine>(source, AbortSignal.any([abortSignal, silence.signal]))) {
      timer.refresh();
      onLine(line);
    }
  };
  try {
    await call(what, signal, read, { milliseconds });
  } finally {
    clearTimeout(timer);
  }
}
