import {
  getOperationAST,
  GraphQLError,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type OperationDefinitionNode,
  type OperationTypeNode,
} from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { RateLimits } from '../../auth/rate-limits.ts';
import { badInput, type ApiError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { createContext, type Caller, type Context, type Services } from '../schema/context.ts';
import { schema } from '../schema/schema.ts';
import { createDocumentCache } from './document-cache.ts';
import { useDocumentLimits, useValidationErrorCodes, useValidationRules } from './document-plugins.ts';
import { ErrorReporter } from './error-reporter.ts';
import { createExecutor } from './executor.ts';
import { variableProblems } from './input-problems.ts';
import { graphqlErrorOf, maskError } from './mask-error.ts';
import { pointsOf } from './operation-cost.ts';
import { createSubscribe, type Subscribe, type Subscription } from './subscription.ts';

/** The path of the GraphQL endpoint. */
export const GRAPHQL_PATH = '/graphql';

const NO_VARIABLES: Readonly<Record<string, unknown>> = Object.freeze({});

export interface OperationRequest {
  readonly query: string;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly operationName?: string | null | undefined;
}

/** An operation that is parsed, validated and charged for. */
export interface PreparedOperation {
  readonly kind: OperationTypeNode;
  readonly args: ExecutionArgs;
  execute(): Promise<ExecutionResult>;
  /** Resolves to an ExecutionResult with errors if the subscription is refused. */
  subscribe(): Promise<Subscription | ExecutionResult>;
}

interface GatewayOptions {
  readonly services: Services;
  readonly rates: RateLimits;
  readonly log: Log;
  readonly graphiql: boolean;
  /** Whether clients may introspect the schema and get suggestions for misspelt names. */
  readonly introspection: boolean;
}

/**
 * The GraphQL pipeline of every transport.
 *
 * INVARIANTS
 * - A document is bounded before it is validated, and its variables are checked before it runs.
 * - An operation is charged to its account once, before it runs.
 * - Errors leave masked, and a failed request is logged once.
 */
export class Gateway {
  readonly #services: Services;
  readonly #rates: RateLimits;
  readonly #introspection: boolean;
  readonly #reporter: ErrorReporter;
  readonly #execute = createExecutor();
  readonly #subscribe: Subscribe;
  readonly #yoga: YogaServerInstance<{ caller?: Caller }, Context>;

  constructor({ services, rates, log, graphiql, introspection }: GatewayOptions) {
    this.#services = services;
    this.#rates = rates;
    this.#introspection = introspection;
    this.#reporter = new ErrorReporter(log);
    this.#subscribe = createSubscribe({
      execute: this.#execute,
      report: (result, caller) => this.#reporter.reportResult(result, caller),
      contextOf: (caller) => createContext(services, caller),
    });
    this.#yoga = createYoga<{ caller?: Caller }, Context>({
      schema,
      graphqlEndpoint: GRAPHQL_PATH,
      landingPage: false,
      // GraphiQL subscribes over SSE, which sends its headers, and so the token.
      graphiql: graphiql && {
        title: 'Swiftor Gateway',
        subscriptionsProtocol: 'SSE',
        headers: '{"authorization": "Bearer TOKEN"}',
      },
      // This package bundles GraphiQL's scripts, so the page works offline. Loaded on first use.
      renderGraphiQL: async (page) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(page),
      batching: false,
      multipart: false,
      cors: false,
      logging: false,
      // Syntax errors are not cached.
      parserAndValidationCache: {
        documentCache: createDocumentCache(),
        errorCache: { get: () => undefined, set: () => undefined },
      },
      maskedErrors: { maskError },
      plugins: [
        useDocumentLimits(rates),
        useValidationRules({ introspection }),
        useValidationErrorCodes(),
        this.#useHttpOperations(),
        this.#useErrorReports(),
      ],
    });
  }

  /**
   * Answers a GraphQL request over HTTP. The transport has authenticated the caller and limited the body. Without a
   * caller the answer is the GraphiQL page.
   */
  async fetch(request: Request, caller: Caller | undefined): Promise<Response> {
    return this.#yoga.fetch(request, caller === undefined ? {} : { caller });
  }

  /** Prepares an operation for a transport other than plain HTTP; returns the errors if it is refused. */
  async prepare(
    { query, variables, operationName }: OperationRequest,
    caller: Caller,
  ): Promise<PreparedOperation | readonly GraphQLError[]> {
    const enveloped = this.#yoga.getEnveloped({ caller, params: { query, variables, operationName } });
    let document: DocumentNode;
    try {
      document = enveloped.parse(query);
    } catch (error) {
      return this.#reporter.report([maskError(error)], caller);
    }
    const problems: readonly GraphQLError[] = enveloped.validate(enveloped.schema, document);
    if (problems.length > 0) return this.#reporter.report(problems.map(maskError), caller);
    const operation = getOperationAST(document, operationName);
    if (operation == null) return this.#reporter.report([graphqlErrorOf(noSuchOperation())], caller);
    const name = operation.name?.value;
    const args: ExecutionArgs = {
      schema: enveloped.schema,
      document,
      variableValues: variables ?? NO_VARIABLES,
      ...(operationName != null && { operationName }),
      contextValue: createContext(this.#services, caller),
    };
    try {
      this.#checkAndCharge(args, operation, caller);
    } catch (error) {
      return this.#reporter.report([maskError(error)], caller, name);
    }
    return {
      kind: operation.operation,
      args,
      execute: async () => this.#reporter.reportResult(await enveloped.execute(args), caller, name),
      subscribe: () => this.#subscribe(args, caller),
    };
  }

  /** Masks and logs an error that a transport met outside the pipeline. */
  mask(error: unknown, caller: Pick<Caller, 'requestId'>): GraphQLError {
    const masked = maskError(error);
    return this.#reporter.report([masked], caller)[0] ?? masked;
  }

  async dispose(): Promise<void> {
    await this.#yoga.dispose();
  }

  /** Throws BAD_USER_INPUT for variables that do not fit, then charges the account for the operation. */
  #checkAndCharge(args: ExecutionArgs, operation: OperationDefinitionNode, { viewer }: Caller): void {
    const given = { schema: args.schema, operation, variables: args.variableValues ?? NO_VARIABLES };
    const problems = variableProblems(given, { listEnumValues: this.#introspection });
    if (problems.length > 0) throw badInput(problems);
    this.#rates.charge(viewer, pointsOf(args) - 1);
  }

  /** Plain HTTP: adds the context, and checks and charges the operation before it runs. */
  #useHttpOperations(): Plugin<{ caller?: Caller }> {
    const uncharged = new WeakMap<object, Caller>();
    return {
      onContextBuilding: ({ context, extendContext }) => {
        if (context.caller === undefined) throw new Error('A request reached the pipeline without a caller.');
        // The type of yoga's context does not include ours.
        extendContext(createContext(this.#services, context.caller) as object);
        uncharged.set(context, context.caller);
      },
      onExecute: ({ args, setExecuteFn, setResultAndStopExecution }) => {
        setExecuteFn(this.#execute);
        // Absent for an operation from `prepare`, which has been charged.
        const caller = uncharged.get(args.contextValue);
        if (caller === undefined) return;
        try {
          const operation = getOperationAST(args.document, args.operationName);
          if (operation == null) throw noSuchOperation();
          this.#checkAndCharge(args, operation, caller);
        } catch (error) {
          setResultAndStopExecution({ errors: [withStatus400(maskError(error))] });
        }
      },
      onSubscribe: ({ setResultAndStopExecution }) => {
        const message = 'Subscribe over a WebSocket, or with the header "accept: text/event-stream".';
        const error = new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
        setResultAndStopExecution({ errors: [withStatus400(error)] });
      },
    };
  }

  /** Plain HTTP: logs the errors of a result, from whichever stage they come. */
  #useErrorReports(): Plugin<{ caller?: Caller }> {
    return {
      onResultProcess: ({ result, setResult, serverContext }) => {
        const { caller } = serverContext as { caller?: Caller };
        if (caller === undefined || !('errors' in result) || result.errors === undefined) return;
        setResult(this.#reporter.reportResult(result, caller));
      },
    };
  }
}

/** GraphQL over HTTP: a request that is refused as a whole has status 400. */
function withStatus400(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message, { extensions: { ...error.extensions, http: { status: 400, spec: true } } });
}

function noSuchOperation(): ApiError {
  return badInput([{ path: 'operationName', message: 'must name one of the operations, if there is more than one.' }]);
}
