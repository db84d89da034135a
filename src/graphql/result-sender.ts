import type { WebSocket } from 'ws';
import type { Subscription } from './subscription.ts';

/** With more than this unsent, the next event waits in its bounded queue until the client has read. */
const MOST_UNSENT_BYTES = 64 * 1024;

/**
 * Runs a subscription on a socket. To graphql-ws, which begins and ends it, it is a stream that yields nothing: results go
 * out as messages right away, made of a text that all subscribers of an event share.
 */
export class ResultSender implements AsyncIterableIterator<never> {
  readonly #socket: WebSocket;
  readonly #head: string;
  readonly #subscription: Subscription;
  readonly #onEnd: () => void;

  /** `onEnd` is called when it is over, whoever ends it; perhaps more than once. */
  constructor(socket: WebSocket, id: string, subscription: Subscription, onEnd: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
    this.#head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    this.#subscription = subscription;
  }

  /** Settles when the subscription is over: rejects with what its source failed with. */
  async next(): Promise<IteratorReturnResult<undefined>> {
    const subscription = this.#subscription;
    try {
      for (;;) {
        const { done, value } = await subscription.source.next();
        if (done === true) return { done, value: undefined };
        await this.#send(`${this.#head}${await subscription.render(value)}}`);
      }
    } finally {
      this.#onEnd();
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#onEnd();
    await this.#subscription.source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #send(message: string): Promise<void> {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount <= MOST_UNSENT_BYTES) socket.send(message, ignoreError);
    else await new Promise<void>((resolve) => socket.send(message, () => resolve()));
  }
}

/** A socket that cannot be written to any more closes, and with that its subscriptions end. */
function ignoreError(): void {}
