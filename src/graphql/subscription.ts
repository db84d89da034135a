import {
  createSourceEventStream,
  validateSubscriptionArgs,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type OperationDefinitionNode,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import { execute as executeEvent } from '@graphql-tools/executor';
import type { Asker, Context } from './context.ts';
import { compileEventWriter, type EventWriter } from './event-writer.ts';
import { maskError } from './mask-error.ts';

/** A subscription that runs: what happens, and how to tell it. */
export interface Subscription {
  /** Whatever the field subscribed to; `return()` frees it. */
  readonly source: AsyncIterator<unknown>;
  /** The result of one of its events, as JSON text; at once where its resolvers are. What goes wrong is in the text, masked. */
  render(event: unknown): string | Promise<string>;
}

type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

/** The result as its client reads it, its errors masked and logged. */
type Report = (result: ExecutionResult, asker: Asker) => ExecutionResult;

/** Starts a prepared subscription; an ExecutionResult with errors where that is refused. */
export type Subscribe = (args: ExecutionArgs, asker: Asker) => Promise<Subscription | ExecutionResult>;

/**
 * An event that many subscriptions take from the same source is executed and written once for all whose result cannot
 * differ: those of the same account and address under the same plan, with the same document and the same variables inside the field.
 */
export function createSubscribe(report: Report, contextOf: (asker: Asker) => Context): Subscribe {
  /** By event, then by what else the result depends on. An event that nobody holds any more takes its texts along. */
  const texts = new WeakMap<object, Map<string, Promise<string>>>();
  const documents = numberObjects();
  const writers = new WeakMap<OperationDefinitionNode, { readonly write: EventWriter | undefined }>();

  const writerOf = (args: ValidatedSubscriptionArgs, document: DocumentNode): EventWriter | undefined => {
    const { schema, operation } = args;
    let known = writers.get(operation);
    if (known === undefined) writers.set(operation, (known = { write: compileEventWriter({ schema, document, operation }) }));
    return known.write;
  };

  const execute = async (args: ExecutionArgs, asker: Asker): Promise<string> => {
    try {
      // What yoga executes everything else with. The language's own executor makes and aborts a controller for each event, which takes
      // longer than all the rest.
      const { data, errors } = (await executeEvent(args)) as ExecutionResult;
      return JSON.stringify(report({ ...(data !== undefined && { data }), ...(errors !== undefined && { errors }) }, asker));
    } catch (error) {
      return JSON.stringify(report({ errors: [maskError(error)] }, asker));
    }
  };

  /** Holds little, for there are thousands: what an event is executed with is made for each event. */
  class Running implements Subscription {
    readonly source: AsyncIterator<unknown>;
    readonly #operation: Operation;
    readonly #asker: Asker;
    readonly #write: EventWriter | undefined;

    constructor(source: AsyncIterator<unknown>, operation: Operation, asker: Asker, write: EventWriter | undefined) {
      this.source = source;
      this.#operation = operation;
      this.#asker = asker;
      this.#write = write;
    }

    render(event: unknown): string | Promise<string> {
      if (typeof event !== 'object' || event === null) return this.#execute(event);
      const written = this.#write?.(event);
      if (written !== undefined) return written;
      let known = texts.get(event);
      if (known === undefined) texts.set(event, (known = new Map()));
      const key = this.#key();
      let text = known.get(key);
      if (text === undefined) known.set(key, (text = this.#execute(event)));
      return text;
    }

    #execute(event: unknown): Promise<string> {
      const asker = this.#asker;
      return execute({ ...this.#operation, contextValue: contextOf(asker), rootValue: event }, asker);
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
    const operation = { schema, document, operationName, variableValues };
    return new Running(stream[Symbol.asyncIterator](), operation, asker, writerOf(valid, document));
  };
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
