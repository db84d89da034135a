import type { GraphQLError } from 'graphql';
import { MessageType, stringifyMessage } from 'graphql-ws';
import { PushQueue, type Waiter } from '../lib/push-queue.ts';
import type { Subscription } from './subscription.ts';
import type { RunningOperation, WsConnection } from './ws-connection.ts';

/**
 * One operation of a client's: its place on the connection, from its `subscribe` message to its end, whoever brings that about.
 * Thousands wait for hours for their next event; so there is one object to each, and no function and no promise while it waits.
 */
export class WsOperation implements RunningOperation, Waiter {
  readonly id: string;
  readonly #connection: WsConnection;
  readonly #mask: (error: unknown, asker: { readonly requestId: string }) => GraphQLError;
  /** Of a subscription; a query has none, and one that is still being prepared does not have it yet. */
  #subscription: Subscription | undefined;
  #isOver = false;
  /** Whether it counts as one of the connection's subscriptions. */
  isSubscription = false;

  constructor(connection: WsConnection, id: string, mask: (error: unknown, asker: { readonly requestId: string }) => GraphQLError) {
    this.#connection = connection;
    this.id = id;
    this.#mask = mask;
  }

  /** Its only result, as JSON text. */
  async answer(result: string): Promise<void> {
    if (this.#isOver) return;
    await this.#sendNext(result);
    this.#complete();
  }

  /** What refuses it, or what it ends with. */
  fail(errors: readonly GraphQLError[]): void {
    if (!this.#leave()) return;
    void this.#connection.send(stringifyMessage({ id: this.id, type: MessageType.Error, payload: errors.map((error) => error.toJSON()) }));
  }

  /** Sends what the subscription tells until either of them ends. */
  follow(subscription: Subscription): void {
    this.#subscription = subscription;
    if (this.#isOver) this.#free();
    else if (subscription.source instanceof PushQueue) this.ready();
    else void this.#passAll(subscription.source);
  }

  /** The client, or its connection, wants no more of it: everything is freed at once. */
  end(): void {
    if (this.#leave()) this.#free();
  }

  /** See `Waiter`. What needs nothing else, as nearly all, is written before whoever pushed it goes on: no promise stands in between. */
  ready(): void {
    const source = this.#subscription?.source;
    if (!(source instanceof PushQueue)) return;
    try {
      while (!this.#isOver) {
        const next = source.take();
        if (next === undefined) return source.whenReady(this);
        const later = this.#pass(next);
        if (later === undefined) continue;
        later.then(
          () => this.ready(),
          (error: unknown) => this.#break(error),
        );
        return;
      }
    } catch (error) {
      this.#break(error);
    }
  }

  /** The same of any other source. */
  async #passAll(source: AsyncIterator<unknown>): Promise<void> {
    try {
      while (!this.#isOver) await this.#pass(await source.next());
    } catch (error) {
      this.#break(error);
    }
  }

  /** A promise where something is to be waited for: a result that is still being made, or a client that has yet to read. */
  #pass({ done, value }: IteratorResult<unknown>): Promise<void> | undefined {
    if (done === true || this.#subscription === undefined) {
      this.#complete();
      return undefined;
    }
    // Made once for all who are told the same.
    const result = this.#subscription.render(value);
    return typeof result === 'string' ? this.#sendNext(result) : result.then((text) => this.#sendNext(text));
  }

  #break(error: unknown): void {
    this.fail([this.#mask(error, this.#connection)]);
    this.#free();
  }

  /** At the pace of the client, see `WsConnection.send`. */
  #sendNext(payload: string): Promise<void> | undefined {
    return this.#isOver ? undefined : this.#connection.send(`{"id":${JSON.stringify(this.id)},"type":"next","payload":${payload}}`);
  }

  #complete(): void {
    if (this.#leave()) void this.#connection.send(stringifyMessage({ id: this.id, type: MessageType.Complete }));
  }

  /** Gives its place back; false where that has been done. */
  #leave(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#connection.remove(this);
    return true;
  }

  #free(): void {
    this.#subscription?.source.return?.().catch(() => undefined);
  }
}
