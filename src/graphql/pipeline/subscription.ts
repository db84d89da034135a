import {
  createSourceEventStream,
  validateSubscriptionArgs,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
} from 'graphql';
import type { Caller, Context } from '../schema/context.ts';
import { maskError } from './mask-error.ts';

/** A running subscription. */
export interface Subscription {
  /** The events; `return()` releases the source. */
  readonly source: AsyncIterator<unknown>;
  /** The result of one event, with masked errors. Do not mutate it: subscriptions share results. */
  resultOf(event: unknown): ExecutionResult | Promise<ExecutionResult>;
}

type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

/** Starts a subscription; resolves to an ExecutionResult with errors if it is refused. */
export type Subscribe = (args: ExecutionArgs, caller: Caller) => Promise<Subscription | ExecutionResult>;

interface SubscribeOptions {
  readonly execute: (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>;
  /** Masks and logs the errors of a result. */
  readonly report: (result: ExecutionResult, caller: Caller) => ExecutionResult;
  readonly contextOf: (caller: Caller) => Context;
}

/**
 * Executes an event once for all subscriptions that must get the same result: those with the same account, client
 * address, plan, rights and document, and the same variables below the root field.
 */
export function createSubscribe({ execute, report, contextOf }: SubscribeOptions): Subscribe {
  /** Results by event, then by `#key`. They are collected together with their event. */
  const results = new WeakMap<object, Map<string, ExecutionResult | Promise<ExecutionResult>>>();
  const documents = numberObjects();

  /** Small, because there are thousands: the context is created when an event is executed. */
  class Running implements Subscription {
    readonly source: AsyncIterator<unknown>;
    readonly #operation: Operation;
    readonly #caller: Caller;
    /** Identifies everything besides the event that a result depends on. Set by the first event. */
    #key: string | undefined;

    constructor(source: AsyncIterator<unknown>, operation: Operation, caller: Caller) {
      this.source = source;
      this.#operation = operation;
      this.#caller = caller;
    }

    resultOf(event: unknown): ExecutionResult | Promise<ExecutionResult> {
      if (typeof event !== 'object' || event === null) return this.#execute(event);
      let known = results.get(event);
      if (known === undefined) results.set(event, (known = new Map()));
      this.#key ??= this.#createKey();
      let result = known.get(this.#key);
      if (result === undefined) known.set(this.#key, (result = this.#execute(event)));
      return result;
    }

    #execute(event: unknown): ExecutionResult | Promise<ExecutionResult> {
      const caller = this.#caller;
      const failed = (error: unknown): ExecutionResult => report({ errors: [maskError(error)] }, caller);
      try {
        const result = execute({ ...this.#operation, contextValue: contextOf(caller), rootValue: event });
        return result instanceof Promise
          ? result.then((late) => report(late, caller)).catch(failed)
          : report(result, caller);
      } catch (error) {
        return failed(error);
      }
    }

    #createKey(): string {
      const { document, operationName, variableValues } = this.#operation;
      const { userId, plan, role, scope, serviceAccount, from } = this.#caller.viewer;
      const variables = resultVariables(document).map((name) => variableValues?.[name]);
      return JSON.stringify([
        documents(document),
        operationName,
        variables,
        userId,
        plan,
        role,
        scope,
        serviceAccount,
        from,
      ]);
    }
  }

  return async (args, caller) => {
    const valid = validateSubscriptionArgs(args);
    if (!('schema' in valid)) return report({ errors: valid }, caller);
    const stream = await createSourceEventStream(valid);
    if (!(Symbol.asyncIterator in stream)) return report({ errors: stream.errors ?? [] }, caller);
    const { schema, document, operationName, variableValues } = args;
    return new Running(stream[Symbol.asyncIterator](), { schema, document, operationName, variableValues }, caller);
  };
}

/**
 * Iterates over the results of a subscription. `return()` releases the source at once, even while `next()` is pending.
 */
export function toResultStream(subscription: Subscription): AsyncGenerator<ExecutionResult, void, void> {
  return new ResultStream(subscription);
}

type Item = IteratorResult<ExecutionResult, void>;

function toItem(value: ExecutionResult): Item {
  return { done: false, value };
}

class ResultStream implements AsyncGenerator<ExecutionResult, void, void> {
  readonly #subscription: Subscription;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** Not an async function: one that waits takes three times the memory, and thousands wait for hours. */
  next(): Promise<Item> {
    return this.#subscription.source.next().then((event) => this.#toResult(event));
  }

  #toResult({ done, value }: IteratorResult<unknown>): Item | Promise<Item> {
    if (done === true) return { done, value: undefined };
    const result = this.#subscription.resultOf(value);
    return result instanceof Promise ? result.then(toItem) : toItem(result);
  }

  async return(): Promise<Item> {
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

/** The variables that a result depends on. Arguments of the root field only select what is subscribed to. */
function resultVariables(document: DocumentNode): string[] {
  const known = knownVariables.get(document);
  if (known !== undefined) return known;
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (_node, _key, _parent, _path, ancestors) => (isAtRoot(ancestors) ? false : undefined),
    Variable: (node) => void names.add(node.name.value),
  });
  const sorted = [...names].toSorted();
  knownVariables.set(document, sorted);
  return sorted;
}

const knownVariables = new WeakMap<DocumentNode, string[]>();

/** Whether an argument belongs to a root field. A root field inside a fragment is treated as a nested one. */
function isAtRoot(ancestors: readonly unknown[]): boolean {
  const kinds = ancestors
    .filter((each): each is FieldNode => typeof each === 'object' && each !== null && 'kind' in each)
    .map(({ kind }) => kind);
  return kinds.join(' ') === 'Document OperationDefinition SelectionSet Field';
}

/** Assigns each object a stable number. */
function numberObjects(): (object: object) => number {
  const numbers = new WeakMap<object, number>();
  let last = 0;
  return (object) => {
    const known = numbers.get(object) ?? (last += 1);
    numbers.set(object, known);
    return known;
  };
}
