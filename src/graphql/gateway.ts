import {
  getOperationAST,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  validate,
  type OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { RateLimits } from '../auth/rate-limits.ts';
import { badInput } from '../errors.ts';
import type { Log } from '../log.ts';
import { createContext, type Asker, type Context, type Services } from './context.ts';
import { createDocumentCache } from './document-cache.ts';
import { checkDocument, MAX_TOKENS } from './document-limits.ts';
import { createMaskError, graphqlErrorOf, requestFault } from './mask-error.ts';
import { pointsOf } from './operation-cost.ts';
import { schema } from './schema.ts';
import { createSubscribe, type Subscription } from './subscription.ts';

/** Where GraphQL is served. */
export const GRAPHQL_PATH = '/graphql';

/** About as long to validate, at the longest, as a plain request takes whole. */
const TOKENS_OF_A_POINT = 100;

const NO_VARIABLES: Readonly<Record<string, unknown>> = Object.freeze({});

/** One request, ready to run or refused: how transports that are not HTTP go through the same pipeline. */
export interface PreparedOperation {
  readonly kind: OperationTypeNode;
  execute(): Promise<ExecutionResult>;
  /** An ExecutionResult with errors where the subscription is refused. */
  subscribe(): Promise<Subscription | ExecutionResult>;
}

export interface OperationRequest {
  readonly query: string;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly operationName?: string | null | undefined;
}

export interface Gateway {
  /** Answers a GraphQL request over HTTP; the caller has verified who asks, and bounded the body. Without an asker: GraphiQL's page. */
  fetch(request: Request, asker: Asker | undefined): Promise<Response>;
  /** Parsed, validated, with its context; or the errors that refuse it. */
  prepare(request: OperationRequest, asker: Asker): Promise<PreparedOperation | readonly GraphQLError[]>;
  /** What a client reads of an error that met its operation outside of the pipeline. */
  mask(error: unknown): GraphQLError;
  dispose(): Promise<void>;
}

/** The one pipeline: every transport parses, validates, limits, executes and masks through it. */
export function createGateway(options: GatewayOptions): Gateway {
  const { services, rates, log, graphiql, introspection } = options;
  const maskError = createMaskError(log);
  const subscribe = createSubscribe(maskError, (viewer) => createContext(services, { viewer }));
  /** Takes what the operation costs from its account's rate; throws when it is more than one may cost. */
  const charge = (args: ExecutionArgs, { viewer }: Asker): void => rates.charge(viewer, pointsOf(args) - 1);
  const yoga = createYoga<{ asker?: Asker }, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    // Subscriptions in GraphiQL go over SSE: its headers, and so the token, come along.
    graphiql: graphiql && { title: 'Swiftor Gateway', subscriptionsProtocol: 'SSE', headers: '{"authorization": "Bearer TOKEN"}' },
    // The page with all its scripts, so that it works where nothing else can be reached; loaded when somebody opens it.
    renderGraphiQL: async (page) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(page),
    batching: false,
    multipart: false,
    cors: false,
    logging: false,
    // A document that does not parse is not worth remembering.
    parserAndValidationCache: { documentCache: createDocumentCache(), errorCache: { get: () => undefined, set: () => undefined } },
    maskedErrors: { maskError },
    plugins: [useDocumentLimits(maskError, rates), ...(introspection ? [] : [useNoIntrospection()]), useOneTableOfCodes(), useOperations()],
  });

  return {
    async fetch(request, asker) {
      return yoga.fetch(request, asker === undefined ? {} : { asker });
    },
    async prepare({ query, variables, operationName }, asker) {
      const enveloped = yoga.getEnveloped({ asker, params: { query, variables, operationName } });
      let document: DocumentNode;
      try {
        document = enveloped.parse(query);
      } catch (error) {
        return [maskError(error)];
      }
      const problems: readonly GraphQLError[] = enveloped.validate(enveloped.schema, document);
      if (problems.length > 0) return problems.map(maskError);
      const operation = getOperationAST(document, operationName);
      if (operation == null) {
        return [
          graphqlErrorOf(badInput([{ path: 'operationName', message: 'must name one of the operations, if there is more than one.' }])),
        ];
      }
      const args: ExecutionArgs = {
        schema: enveloped.schema,
        document,
        variableValues: variables ?? NO_VARIABLES,
        ...(operationName != null && { operationName }),
        contextValue: createContext(services, asker),
      };
      try {
        charge(args, asker);
      } catch (error) {
        return [maskError(error)];
      }
      return {
        kind: operation.operation,
        execute: async () => enveloped.execute(args),
        subscribe: () => subscribe(args, asker.viewer),
      };
    },
    mask: maskError,
    async dispose() {
      await yoga.dispose();
    },
  };

  /** What an operation over plain HTTP gets besides: its context, and its place in the account's rate. */
  function useOperations(): Plugin<{ asker?: Asker }> {
    const waiting = new WeakMap<object, Asker>();
    return {
      onContextBuilding: ({ context, extendContext }) => {
        if (context.asker === undefined) throw new Error('A request reached the pipeline without a viewer.');
        // What Context adds to yoga's own: its type only knows the latter.
        extendContext(createContext(services, context.asker) as object);
        waiting.set(context, context.asker);
      },
      onExecute: ({ args, setResultAndStopExecution }) => {
        // Of a prepared operation it has been taken before.
        const asker = waiting.get(args.contextValue);
        if (asker === undefined) return;
        try {
          charge(args, asker);
        } catch (error) {
          setResultAndStopExecution({ errors: [refused(maskError(error))] });
        }
      },
      onSubscribe: ({ setResultAndStopExecution }) => {
        const message = 'Subscribe over a WebSocket, or with the header "accept: text/event-stream".';
        setResultAndStopExecution({ errors: [refused(new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } }))] });
      },
    };
  }
}

interface GatewayOptions {
  readonly services: Services;
  readonly rates: RateLimits;
  readonly log: Log;
  readonly graphiql: boolean;
  /** Whether clients may read the schema, and are told what they may have meant. */
  readonly introspection: boolean;
}

/** A refusal of the whole request, as GraphQL over HTTP wants it: 400 for clients that read the status. */
function refused(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message, { extensions: { ...error.extensions, http: { status: 400, spec: true } } });
}

/**
 * Stops endless documents before they are parsed whole, and those that would run for ever before they are validated. Validation takes time
 * with the square of a document: one that is not known yet is charged for, whether it turns out to be valid or not.
 */
function useDocumentLimits(mask: (error: unknown) => GraphQLError, rates: RateLimits): Plugin<{ asker?: Asker }> {
  return {
    onParse: ({ context, setParseFn }) =>
      setParseFn((source, parseOptions) => {
        const document = parse(source, { ...parseOptions, maxTokens: MAX_TOKENS });
        const points = Math.floor((document.tokenCount ?? 0) / TOKENS_OF_A_POINT);
        if (context.asker !== undefined) rates.charge(context.asker.viewer, points);
        try {
          checkDocument(document);
        } catch (error) {
          throw mask(error);
        }
        return document;
      }),
  };
}

/** No field of the schema about itself, whatever fragment it hides in, and no guesses at what a misspelt one was meant to be. */
function useNoIntrospection(): Plugin {
  return {
    onValidate: ({ addValidationRule, setValidationFn }) => {
      addValidationRule(NoSchemaIntrospectionCustomRule);
      setValidationFn((schema, document, rules) => validate(schema, document, rules, { hideSuggestions: true }));
    },
  };
}

/** A document that does not fit the schema is bad input, with the code that all bad input has. */
function useOneTableOfCodes(): Plugin {
  return {
    onValidate: () => (validated) => {
      if (!validated.valid) validated.setResult((validated.result as readonly GraphQLError[]).map(requestFault));
    },
  };
}
