import {
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type OperationDefinitionNode,
  type OperationTypeNode,
} from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import { requireScope } from '../../auth/require-scope.ts';
import type { RateLimits } from '../../auth/rate-limits.ts';
import { badInput, type ApiError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { failSpan, inSpan } from '../../tracing.ts';
import { createContext, type Caller, type Context, type Services } from '../schema/context.ts';
import { schema } from '../schema/schema.ts';
import { createAccessLog, type AccessLog } from './access-log.ts';
import { DocumentCache, type CheckedDocument } from './document-cache.ts';
import { useDocumentLimits, useValidationErrorCodes, useValidationRules } from './document-plugins.ts';
import { ErrorReporter } from './error-reporter.ts';
import { createExecutor } from './executor.ts';
import { variableProblems } from './input-problems.ts';
import { codeOfMasked, graphqlErrorOf, maskError } from './mask-error.ts';
import { costOf } from './operation-cost.ts';
import { createSubscribe, type Subscribe, type Subscription } from './subscription.ts';

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
  /** Whether clients may introspect the schema and get suggestions for misspelt names. */
  readonly introspection: boolean;
  /** Whether each operation is logged. */
  readonly accessLog: boolean;
}

/**
 * The GraphQL pipeline of every transport: `prepare`, then `execute` or `subscribe`. A document is parsed and validated
 * by yoga's pipeline, and kept with what was found wrong with it.
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
  readonly #accessLog: AccessLog | undefined;
  readonly #execute = createExecutor();
  readonly #subscribe: Subscribe;
  readonly #yoga: YogaServerInstance<{ caller?: Caller }, Context>;
  readonly #documents = new DocumentCache();

  constructor({ services, rates, log, introspection, accessLog }: GatewayOptions) {
    this.#services = services;
    this.#rates = rates;
    this.#introspection = introspection;
    this.#reporter = new ErrorReporter(log);
    this.#accessLog = accessLog ? createAccessLog(log) : undefined;
    this.#subscribe = createSubscribe({
      execute: this.#execute,
      report: (result, caller) => this.#reporter.reportResult(result, caller),
      contextOf: (caller) => createContext(services, caller),
    });
    this.#yoga = createYoga<{ caller?: Caller }, Context>({
      schema,
      logging: false,
      // Every transport masks, and logs what it masks, by `ErrorReporter`.
      maskedErrors: false,
      parserAndValidationCache: false,
      plugins: [useDocumentLimits(rates), useValidationRules({ introspection }), useValidationErrorCodes()],
    });
  }

  /** Prepares an operation; returns the errors if it is refused as a whole. Never throws. */
  prepare(request: OperationRequest, caller: Caller): PreparedOperation | readonly GraphQLError[] {
    const { query, variables } = request;
    // Some clients send an empty name with an anonymous operation.
    const operationName = request.operationName === '' ? undefined : request.operationName;
    let checked: CheckedDocument;
    try {
      checked = this.#check(query, caller);
    } catch (error) {
      return this.#reporter.report([maskError(error)], caller);
    }
    const { document, problems } = checked;
    if (problems.length > 0) return this.#reporter.report(problems.map(maskError), caller);
    const operation = getOperationAST(document, operationName);
    if (operation == null) return this.#reporter.report([graphqlErrorOf(noSuchOperation())], caller);
    const name = operation.name?.value;
    const args: ExecutionArgs = {
      schema,
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
    const { operation: kind } = operation;
    // Semantic conventions of OpenTelemetry; without the document and the variables, which are the client's values.
    const attributes = {
      'graphql.operation.type': kind,
      ...(name !== undefined && { 'graphql.operation.name': name }),
    };
    const watched = <T extends Subscription | ExecutionResult>(run: () => Promise<T>): Promise<T> =>
      inSpan(kind, { attributes }, async (span) => {
        const startedAt = performance.now();
        const result = await run();
        this.#accessLog?.(caller, { kind, name, startedAt });
        const [error] = ('errors' in result ? result.errors : undefined) ?? [];
        if (error !== undefined) failSpan(span, codeOfMasked(error));
        return result;
      });
    return {
      kind,
      args,
      execute: () => watched(() => this.#run(() => this.#execute(args), caller, name)),
      subscribe: () => watched(() => this.#subscribe(args, caller)),
    };
  }

  async dispose(): Promise<void> {
    await this.#yoga.dispose();
  }

  /** Masks and logs an error that a transport met outside the pipeline. */
  mask(error: unknown, caller: Pick<Caller, 'requestId'>): GraphQLError {
    const masked = maskError(error);
    return this.#reporter.report([masked], caller)[0] ?? masked;
  }

  /** Parses and validates the document, unless that is known. Throws for one that cannot be parsed. */
  #check(query: string, caller: Caller): CheckedDocument {
    const known = this.#documents.get(query);
    if (known !== undefined) return known;
    const { parse, validate } = this.#yoga.getEnveloped({ caller, params: { query } });
    const document: DocumentNode = parse(query);
    const problems: readonly GraphQLError[] = validate(schema, document);
    const checked = { document, problems };
    this.#documents.set(query, checked);
    return checked;
  }

  async #run(
    execute: () => ExecutionResult | Promise<ExecutionResult>,
    caller: Caller,
    name: string | undefined,
  ): Promise<ExecutionResult> {
    try {
      return this.#reporter.reportResult(await execute(), caller, name);
    } catch (error) {
      return { errors: this.#reporter.report([maskError(error)], caller, name) };
    }
  }

  /**
   * Throws BAD_USER_INPUT for variables that do not fit, FORBIDDEN for a change with a token that only reads,
   * RATE_LIMITED for too many changes; then charges the account.
   */
  #checkAndCharge(args: ExecutionArgs, operation: OperationDefinitionNode, { viewer }: Caller): void {
    const given = { schema: args.schema, operation, variables: args.variableValues ?? NO_VARIABLES };
    const problems = variableProblems(given, { listEnumValues: this.#introspection });
    if (problems.length > 0) throw badInput(problems);
    if (operation.operation === 'mutation') requireScope(viewer, 'OPERATE');
    const { points, changes } = costOf(args);
    if (changes > 0) this.#rates.checkChanges(viewer, changes);
    this.#rates.charge(viewer, points - 1);
  }
}

function noSuchOperation(): ApiError {
  return badInput([{ path: 'operationName', message: 'must name one of the operations, if there is more than one.' }]);
}
