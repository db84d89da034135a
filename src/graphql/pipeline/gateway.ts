import {
  getOperationAST,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  Lexer,
  Source,
  TokenKind,
  validate,
  ValuesOfCorrectTypeRule,
  type OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type OperationDefinitionNode,
  type ParseOptions,
  type ValidationRule,
} from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { RateLimits } from '../../auth/rate-limits.ts';
import { badInput, type ApiError } from '../../errors.ts';
import { logFailure } from '../../lib/log-failure.ts';
import type { Log } from '../../log.ts';
import { createContext, type Asker, type Context, type Services } from '../schema/context.ts';
import { createDocumentCache } from './document-cache.ts';
import { checkDocument, MAX_TOKENS } from './document-limits.ts';
import { variableProblems } from './input-problems.ts';
import { literalsRule } from './literals-rule.ts';
import { causeOf, codeOfMasked, graphqlErrorOf, maskError, requestFault, withRequestId } from './mask-error.ts';
import { pointsOf } from './operation-cost.ts';
import { schema } from '../schema/schema.ts';
import { createExecutor } from './executor.ts';
import { createSubscribe, type Subscription } from './subscription.ts';

/** Where GraphQL is served. */
export const GRAPHQL_PATH = '/graphql';

/** About as long to validate, at the longest, as a plain request takes whole. */
const TOKENS_OF_A_POINT = 100;

const NO_VARIABLES: Readonly<Record<string, unknown>> = Object.freeze({});

/** One request, ready to run or refused: how transports that are not HTTP go through the same pipeline. */
export interface PreparedOperation {
  readonly kind: OperationTypeNode;
  readonly args: ExecutionArgs;
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
  /** What a client reads of an error that met its operation outside of the pipeline; logged. */
  mask(error: unknown, asker: Pick<Asker, 'requestId'>): GraphQLError;
  dispose(): Promise<void>;
}

/** The one pipeline: every transport parses, validates, limits, executes and masks through it. */
export function createGateway(options: GatewayOptions): Gateway {
  const { services, rates, log, graphiql, introspection } = options;
  /** Writes the one line of what failed in a request, and names its id in the errors that are ours. */
  const report = (
    errors: readonly GraphQLError[],
    { requestId, route }: Pick<Asker, 'requestId' | 'route'>,
    operation?: string,
  ): GraphQLError[] => {
    const worst = errors.find((error) => codeOfMasked(error) === 'INTERNAL_SERVER_ERROR') ?? errors[0];
    if (worst !== undefined) logFailure(log, { requestId, operation: route ?? operation, code: codeOfMasked(worst) }, causeOf(worst));
    return errors.map((error) => (codeOfMasked(error) === 'INTERNAL_SERVER_ERROR' ? withRequestId(error, requestId) : error));
  };
  const reported = (result: ExecutionResult, asker: Asker, operation?: string): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: report(result.errors.map(maskError), asker, operation) };
  const execute = createExecutor();
  const subscribe = createSubscribe({ execute, report: reported, contextOf: (asker) => createContext(services, asker) });
  /** Looks at the variables, and takes what the operation costs from its account's rate; throws where it must not run. */
  const admit = (args: ExecutionArgs, operation: OperationDefinitionNode, { viewer }: Asker): void => {
    const given = { schema: args.schema, operation, variables: args.variableValues ?? NO_VARIABLES };
    const problems = variableProblems(given, { namesValues: introspection });
    if (problems.length > 0) throw badInput(problems);
    rates.charge(viewer, pointsOf(args) - 1);
  };
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
    plugins: [useDocumentLimits(rates), useOwnRules({ introspection }), useOneTableOfCodes(), useOperations(), useReports()],
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
        return report([maskError(error)], asker);
      }
      const problems: readonly GraphQLError[] = enveloped.validate(enveloped.schema, document);
      if (problems.length > 0) return report(problems.map(maskError), asker);
      const operation = getOperationAST(document, operationName);
      if (operation == null) return report([graphqlErrorOf(noSuchOperation())], asker);
      const name = operation.name?.value;
      const args: ExecutionArgs = {
        schema: enveloped.schema,
        document,
        variableValues: variables ?? NO_VARIABLES,
        ...(operationName != null && { operationName }),
        contextValue: createContext(services, asker),
      };
      try {
        admit(args, operation, asker);
      } catch (error) {
        return report([maskError(error)], asker, name);
      }
      return {
        kind: operation.operation,
        args,
        execute: async () => reported(await enveloped.execute(args), asker, name),
        subscribe: () => subscribe(args, asker),
      };
    },
    mask(error, asker) {
      const masked = maskError(error);
      return report([masked], asker)[0] ?? masked;
    },
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
      onExecute: ({ args, setExecuteFn, setResultAndStopExecution }) => {
        setExecuteFn(execute);
        // Of a prepared operation it has been taken before.
        const asker = waiting.get(args.contextValue);
        if (asker === undefined) return;
        try {
          const operation = getOperationAST(args.document, args.operationName);
          if (operation == null) throw noSuchOperation();
          admit(args, operation, asker);
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

  /** Over plain HTTP, whatever the request failed of has come together here. */
  function useReports(): Plugin<{ asker?: Asker }> {
    return {
      onResultProcess: ({ result, setResult, serverContext }) => {
        const { asker } = serverContext as { asker?: Asker };
        if (asker !== undefined && 'errors' in result && result.errors !== undefined) setResult(reported(result, asker));
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
function useDocumentLimits(rates: RateLimits): Plugin<{ asker?: Asker }> {
  return {
    onParse: ({ context, setParseFn }) =>
      setParseFn((source, parseOptions) => {
        const document = parseDocument(source, parseOptions);
        const points = Math.floor((document.tokenCount ?? 0) / TOKENS_OF_A_POINT);
        if (context.asker !== undefined) rates.charge(context.asker.viewer, points);
        try {
          checkDocument(document);
        } catch (error) {
          throw maskError(error);
        }
        return document;
      }),
  };
}

/** The document; BAD_USER_INPUT with the place where it is none. The language's own sentence quotes what stands there. */
function parseDocument(source: string | Source, options: ParseOptions | undefined): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: MAX_TOKENS });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const [{ line, column } = { line: 1, column: 1 }] = error.locations ?? [];
    const message = isTooLong(source, error.positions?.[0] ?? 0)
      ? `has more than ${MAX_TOKENS} tokens.`
      : `is no GraphQL at line ${line}, column ${column}.`;
    const { message: sentence, extensions } = graphqlErrorOf(badInput([{ path: 'query', message }]));
    throw new GraphQLError(sentence, { source: error.source ?? null, positions: error.positions ?? null, extensions });
  }
}

/** Whether the parser stopped because of the number of tokens, of which all up to the place where it stopped are sound. */
function isTooLong(source: string | Source, end: number): boolean {
  const lexer = new Lexer(typeof source === 'string' ? new Source(source) : source);
  try {
    for (let tokens = 0; tokens <= MAX_TOKENS; tokens += 1) {
      const { kind, start } = lexer.advance();
      if (kind === TokenKind.EOF || start > end) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * No sentence quotes a literal. Without introspection, no field of the schema about itself, whatever fragment it hides in, and no guesses
 * at what a misspelt one was meant to be.
 */
function useOwnRules({ introspection }: { introspection: boolean }): Plugin {
  return {
    onValidate: ({ addValidationRule, setValidationFn }) => {
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
      setValidationFn((schema, document, rules) => {
        const own = (rules as readonly ValidationRule[] | undefined)?.map((rule) =>
          rule === ValuesOfCorrectTypeRule ? literalsRule : rule,
        );
        return validate(schema, document, own, { hideSuggestions: !introspection });
      });
    },
  };
}

function noSuchOperation(): ApiError {
  return badInput([{ path: 'operationName', message: 'must name one of the operations, if there is more than one.' }]);
}

/** A document that does not fit the schema is bad input, with the code that all bad input has. */
function useOneTableOfCodes(): Plugin {
  return {
    onValidate: () => (validated) => {
      if (!validated.valid) validated.setResult((validated.result as readonly GraphQLError[]).map(requestFault));
    },
  };
}
