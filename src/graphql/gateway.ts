import {
  getOperationAST,
  parse,
  type GraphQLError,
  type OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Log } from '../log.ts';
import { createContext, type Asker, type Context, type Services } from './context.ts';
import { createMaskError, requestFault } from './mask-error.ts';
import { schema } from './schema.ts';
import { createSubscribe, type Subscription } from './subscription.ts';

/** Where GraphQL is served. */
export const GRAPHQL_PATH = '/graphql';

const MAX_TOKENS = 2_000;

/** One request, ready to run or refused: how transports that are not HTTP go through the same pipeline. */
export interface PreparedOperation {
  readonly kind: OperationTypeNode;
  readonly args: ExecutionArgs;
  readonly execute: (args: ExecutionArgs) => Promise<ExecutionResult>;
  readonly subscribe: (args: ExecutionArgs) => Promise<Subscription | ExecutionResult>;
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
  dispose(): Promise<void>;
}

/** The one pipeline: every transport parses, validates, limits, executes and masks through it. */
export function createGateway(options: { services: Services; log: Log; graphiql: boolean }): Gateway {
  const { services, log, graphiql } = options;
  const maskError = createMaskError(log);
  const subscribe = createSubscribe(maskError);
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
    maskedErrors: { maskError },
    plugins: [useTokenLimit(), useOneTableOfCodes(), useContext(services)],
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
      return {
        kind: getOperationAST(document, operationName)?.operation ?? 'query',
        args: {
          schema: enveloped.schema,
          document,
          variableValues: variables ?? {},
          ...(operationName != null && { operationName }),
          contextValue: createContext(services, asker),
        },
        execute: async (args) => enveloped.execute(args),
        subscribe: (args) => subscribe(args, asker),
      };
    },
    async dispose() {
      await yoga.dispose();
    },
  };
}

/** Stops endless documents before they are parsed whole, and validation before it lists endless problems. */
function useTokenLimit(): Plugin {
  return {
    onParse: ({ setParseFn }) => setParseFn((source, parseOptions) => parse(source, { ...parseOptions, maxTokens: MAX_TOKENS })),
  };
}

/** A document that does not fit the schema is bad input, under the same code as any other. */
function useOneTableOfCodes(): Plugin {
  return {
    onValidate: () => (validated) => {
      if (!validated.valid) validated.setResult((validated.result as readonly GraphQLError[]).map(requestFault));
    },
  };
}

function useContext(services: Services): Plugin<{ asker?: Asker }> {
  return {
    onContextBuilding: ({ context, extendContext }) => {
      if (context.asker === undefined) throw new Error('A request reached the pipeline without a viewer.');
      // What Context adds to yoga's own: its type only knows the latter.
      extendContext(createContext(services, context.asker) as object);
    },
  };
}
