import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';

/**
 * Of a body, in one turn of the event loop. A response in smaller pieces is read at 256 pieces a millisecond: without
 * the pause, one that is endless takes a whole core.
 */
const MOST_PIECES = 256;
const PAUSE_MS = 1;

type Flow = Pick<Dispatcher.DispatchController, 'pause' | 'resume'>;

/** Writes the body of an app's response for the client, with backpressure. */
export class ResponseBody {
  readonly #res: ServerResponse;
  #pieces: Buffer[] = [];
  #isOver = false;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  /** Adds a piece, and pauses the app's response where it comes too fast. */
  add(piece: Buffer, flow: Flow): void {
    this.#pieces.push(piece);
    // One write for the pieces of one read, of which there are thousands where an app sends one-byte chunks.
    if (this.#pieces.length === 1) queueMicrotask(() => this.#write(flow));
    if (this.#pieces.length === MOST_PIECES) flow.pause();
  }

  /** Ends the response after the pieces that are left. */
  end(): void {
    this.#res.end(this.#takePieces());
    this.#isOver = true;
  }

  /** Writes nothing more. */
  cancel(): void {
    this.#isOver = true;
  }

  #write(flow: Flow): void {
    const isPaused = this.#pieces.length >= MOST_PIECES;
    const body = this.#takePieces();
    if (this.#isOver || body === undefined) return;
    if (!this.#res.write(body)) {
      flow.pause();
      this.#res.once('drain', () => flow.resume());
    } else if (isPaused) setTimeout(() => flow.resume(), PAUSE_MS);
  }

  #takePieces(): Buffer | undefined {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces.length > 1 ? Buffer.concat(pieces) : pieces[0];
  }
}
