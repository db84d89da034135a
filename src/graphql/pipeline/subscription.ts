import {
  createSourceEventStream,
  validateSubscriptionArgs,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
} from 'graphql';
import type { Asker, Context } from '../schema/context.ts';
import { maskError } from './mask-error.ts';

/** A subscription that runs: its events, and how to render them. */
export interface Subscription {
  /** What the field subscribed to; `return()` frees it. */
  readonly source: AsyncIterator<unknown>;
  /** The result of one event; at once where its resolvers are. Its errors are masked. Not to be altered: others share it. */
  resultOf(event: unknown): ExecutionResult | Promise<ExecutionResult>;
}

type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

/** Starts a prepared subscription; an ExecutionResult with errors where that is refused. */
export type Subscribe = (args: ExecutionArgs, asker: Asker) => Promise<Subscription | ExecutionResult>;

interface SubscribeOptions {
  readonly execute: (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>;
  /** The result as its client reads it, its errors masked and logged. */
  readonly report: (result: ExecutionResult, asker: Asker) => ExecutionResult;
  readonly contextOf: (asker: Asker) => Context;
}

/**
 * An event that many subscriptions take from the same source is executed once for all whose result cannot
 * differ: those of the same account and address under the same plan, with the same document and the same variables inside the field.
 */
export function createSubscribe({ execute, report, contextOf }: SubscribeOptions): Subscribe {
  /** By event, then by what else the result depends on. They are freed with their event. */
  const results = new WeakMap<object, Map<string, ExecutionResult | Promise<ExecutionResult>>>();
  const documents = numberObjects();

  /** Holds little, for there are thousands: the context of an event is made when the event is executed. */
  class Running implements Subscription {
    readonly source: AsyncIterator<unknown>;
    readonly #operation: Operation;
    readonly #asker: Asker;

    constructor(source: AsyncIterator<unknown>, operation: Operation, asker: Asker) {
      this.source = source;
      this.#operation = operation;
      this.#asker = asker;
    }

    resultOf(event: unknown): ExecutionResult | Promise<ExecutionResult> {
      if (typeof event !== 'object' || event === null) return this.#execute(event);
      let known = results.get(event);
      if (known === undefined) results.set(event, (known = new Map()));
      const key = this.#key();
      let result = known.get(key);
      if (result === undefined) known.set(key, (result = this.#execute(event)));
      return result;
    }

    #execute(event: unknown): ExecutionResult | Promise<ExecutionResult> {
      const asker = this.#asker;
      const failed = (error: unknown): ExecutionResult => report({ errors: [maskError(error)] }, asker);
      try {
        const result = execute({ ...this.#operation, contextValue: contextOf(asker), rootValue: event });
        return result instanceof Promise ? result.then((late) => report(late, asker)).catch(failed) : report(result, asker);
      } catch (error) {
        return failed(error);
      }
    }

    /** What a result depends on besides its event. */
    #key(): string {
      const { document, operationName, variableValues } = this.#operation;
      const { userId, plan, from } = this.#asker.viewer;
      const inside = variablesInside(document).map((name) => variableValues?.[name]);
      return JSON.stringify([documents(document), operationName, inside, userId, plan, from]);
    }
  }

  return async (args, asker) => {
    const valid = validateSubscriptionArgs(args);
    if (!('schema' in valid)) return report({ errors: valid }, asker);
    const stream = await createSourceEventStream(valid);
    if (!(Symbol.asyncIterator in stream)) return report({ errors: stream.errors ?? [] }, asker);
    const { schema, document, operationName, variableValues } = args;
    return new Running(stream[Symbol.asyncIterator](), { schema, document, operationName, variableValues }, asker);
  };
}

/** The results of a subscription's events, one after the other; `return()` frees its source at once, also while `next()` waits. */
export function toResultStream(subscription: Subscription): AsyncGenerator<ExecutionResult, void, void> {
  return new ResultStream(subscription);
}

class ResultStream implements AsyncGenerator<ExecutionResult, void, void> {
  readonly #subscription: Subscription;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  async next(): Promise<IteratorResult<ExecutionResult, void>> {
    const { done, value } = await this.#subscription.source.next();
    return done === true ? { done, value: undefined } : { done: false, value: await this.#subscription.resultOf(value) };
  }

  async return(): Promise<IteratorResult<ExecutionResult, void>> {
    await this.#subscription.source.return?.();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The variables that a result depends on; a field's arguments at the root only decide what is subscribed to. */
function variablesInside(document: DocumentNode): string[] {
  const known = insides.get(document);
  if (known !== undefined) return known;
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (_node, _key, _parent, _path, ancestors) => (isAtRoot(ancestors) ? false : undefined),
    Variable: (node) => void names.add(node.name.value),
  });
  const sorted = [...names].toSorted();
  insides.set(document, sorted);
  return sorted;
}

const insides = new WeakMap<DocumentNode, string[]>();

/** Whether an argument's field stands directly in an operation. The same field inside a fragment is taken for one further in. */
function isAtRoot(ancestors: readonly unknown[]): boolean {
  const kinds = ancestors
    .filter((each): each is FieldNode => typeof each === 'object' && each !== null && 'kind' in each)
    .map(({ kind }) => kind);
  return kinds.join(' ') === 'Document OperationDefinition SelectionSet Field';
}

/** A number for each object, the same whenever it is asked for. */
function numberObjects(): (object: object) => number {
  const numbers = new WeakMap<object, number>();
  let last = 0;
  return (object) => {
    const known = numbers.get(object) ?? (last += 1);
    numbers.set(object, known);
    return known;
  };
}
