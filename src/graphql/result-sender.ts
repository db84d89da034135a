import type { Subscription } from './subscription.ts';
import type { WsConnection } from './ws-connection.ts';

/** With more than this unsent, the next event waits in its bounded queue until the client has read. */
const MOST_UNSENT_BYTES = 64 * 1024;

/**
 * Runs a subscription on a socket. To graphql-ws, which begins and ends it, it is a stream that yields nothing: results go
 * out as messages right away, made of a text that all subscribers of an event share.
 */
export class ResultSender implements AsyncIterableIterator<never> {
  readonly #connection: WsConnection;
  readonly #id: string;
  readonly #subscription: Subscription;
  #over = false;

  /** The connection counts the subscription already; its end, whoever brings it about, gives the place back. */
  constructor(connection: WsConnection, id: string, subscription: Subscription) {
    this.#connection = connection;
    this.#id = id;
    this.#subscription = subscription;
  }

  /** Settles when the subscription is over: rejects with what its source failed with. */
  async next(): Promise<IteratorReturnResult<undefined>> {
    const subscription = this.#subscription;
    try {
      for (;;) {
        const { done, value } = await subscription.source.next();
        if (done === true) return { done, value: undefined };
        await this.#send(`{"id":${JSON.stringify(this.#id)},"type":"next","payload":${await subscription.render(value)}}`);
      }
    } finally {
      this.#end();
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#end();
    await this.#subscription.source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.subscriptions -= 1;
  }

  async #send(message: string): Promise<void> {
    const { socket } = this.#connection;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount <= MOST_UNSENT_BYTES) socket.send(message, ignoreError);
    else await new Promise<void>((resolve) => socket.send(message, () => resolve()));
  }
}

/** A socket that cannot be written to any more closes, and with that its subscriptions end. */
function ignoreError(): void {}
