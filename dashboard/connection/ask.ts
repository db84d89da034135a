import { session } from '../session/session.ts';
import { words } from '../words/words.ts';
import { textOf, type ResultOf, type VariablesOf } from '../api/graphql.ts';
import { Problem, problemOf, toProblem, type ApiErrorBody } from '../api/problem.ts';

const DEADLINE_MS = 15_000;
/** Waits between the tries of a read. A mutation is tried once: it may have been done without an answer. */
const READ_RETRIES_MS = [300, 1_000, 3_000];
/** A refusal for the rate is waited out once, if it is short. */
const LONGEST_RATE_WAIT_SECONDS = 5;

interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to try again after a failure on the way; by default for queries only. */
  readonly isRepeatable?: boolean;
}

/** Sends a query or mutation. Rejects with a Problem. */
export async function ask<Doc>(
  document: Doc,
  variables: VariablesOf<Doc>,
  { signal, isRepeatable = !textOf(document).startsWith('mutation') }: AskOptions = {},
): Promise<ResultOf<Doc>> {
  const waits = isRepeatable ? [...READ_RETRIES_MS] : [];
  let hasWaitedForRate = false;
  for (;;) {
    try {
      return (await send(textOf(document), variables, signal)) as ResultOf<Doc>;
    } catch (error) {
      const problem = toProblem(error);
      const seconds = problem.retryAfterSeconds ?? Infinity;
      signal?.throwIfAborted();
      if (problem.code === 'RATE_LIMITED' && !hasWaitedForRate && seconds <= LONGEST_RATE_WAIT_SECONDS) {
        hasWaitedForRate = true;
        await wait(seconds * 1000, signal);
      } else if (problem.code === 'UNAVAILABLE' || problem.code === 'UNREACHABLE') {
        const next = waits.shift();
        if (next === undefined) throw problem;
        await wait(next, signal);
      } else throw problem;
    }
  }
}

async function send(query: string, variables: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  for (let attempt = 0; ; attempt += 1) {
    const token = await session.token();
    const response = await post(JSON.stringify({ query, variables }), token, signal);
    const requestId = response.headers.get('x-request-id') ?? undefined;
    const body = (await response.json().catch(() => ({}))) as { data?: unknown; errors?: readonly ApiErrorBody[] };
    const [error] = body.errors ?? [];
    if (error === undefined && body.data != null) return body.data;
    const problem = problemOf(error, requestId);
    if (problem.code !== 'UNAUTHENTICATED') throw problem;
    // Once more with a new token, if the session can get one. If it cannot, the session has ended.
    const renewal = attempt > 0 ? 'refused' : await session.renew(token);
    if (renewal === 'unreachable') throw new Problem('UNREACHABLE', words.problem.issuerAway);
    if (renewal === 'refused') {
      session.end('expired');
      throw problem;
    }
  }
}

async function post(body: string, token: string, signal: AbortSignal | undefined): Promise<Response> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${token}` },
      body,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      credentials: 'omit',
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Problem(
      'UNREACHABLE',
      cause instanceof Error && cause.name === 'TimeoutError' ? words.problem.late : words.problem.away,
    );
  }
}

async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
  signal?.throwIfAborted();
}
