import type { SubscribePayload } from 'graphql-ws';
import { textOf, type ResultOf, type VariablesOf } from '../api/graphql.ts';
import { Problem, problemOf, type ApiErrorBody } from '../api/problem.ts';
import { session } from '../session/session.ts';
import { untilUncrowded } from './crowded.ts';
import { sentToken, socket } from './socket.ts';

const FIRST_WAIT_MS = 500;
/** A gateway that restarts is back within seconds, and the page shall be right within two of its return. */
const LONGEST_WAIT_MS = 1_500;
const LONGEST_LATER_MS = 5_000;
const LATER_AFTER = 30;
/** So many new tokens in a row that the gateway refused end the session. */
const MOST_REFUSALS = 2;
/** Errors that another try cannot change. */
const FINAL = new Set(['NOT_FOUND', 'BAD_USER_INPUT']);

/** Close codes of the gateway, see docs/operations.md. */
const REFUSED = new Set([4401, 4403]);
const TOO_MANY = 4491;
const TOO_SLOW = 4490;

interface Follower<Doc> {
  /** Read anew for each attempt, so that it resumes. */
  readonly variables: () => VariablesOf<Doc>;
  /** An attempt was accepted or has ended. */
  readonly onLive?: (isLive: boolean) => void;
  /** A throw ends the attempt. */
  readonly onNext: (result: ResultOf<Doc>, isFirst: boolean) => void;
  readonly signal: AbortSignal;
}

/**
 * Subscribes, and again after each interruption, until the signal aborts or the session ends. Rejects with a Problem
 * that another try cannot change, such as NOT_FOUND.
 */
export async function follow<Doc>(document: Doc, follower: Follower<Doc>): Promise<void> {
  const { signal, onLive } = follower;
  let refusals = 0;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const { ending, wasHeard, token } = await attempt(document, follower);
    onLive?.(false);
    if (signal.aborted) return;
    if (wasHeard) failures = refusals = 0;
    if (ending instanceof Problem && FINAL.has(ending.code)) throw ending;
    const code = closeCodeOf(ending);
    if (REFUSED.has(code) || (ending instanceof Problem && ending.code === 'UNAUTHENTICATED')) {
      const renewal = refusals < MOST_REFUSALS ? await session.renew(token) : 'refused';
      if (renewal === 'refused') return session.end('expired');
      if (renewal === 'renewed') {
        refusals += 1;
        continue;
      }
    }
    if (code === TOO_MANY) await untilUncrowded(signal);
    else if (code !== TOO_SLOW) await untilWorthTrying(failures, signal);
  }
}

/** One subscription: how it ended, whether anything came of it, and the token of its connection. */
async function attempt<Doc>(document: Doc, { variables, onLive, onNext, signal }: Follower<Doc>): Promise<Attempt> {
  let wasHeard = false;
  return new Promise((resolve) => {
    const payload: SubscribePayload = { query: textOf(document), variables: variables() as Record<string, unknown> };
    const stopListening = socket.on('connected', () => onLive?.(true));
    const unsubscribe = socket.subscribe<ResultOf<Doc>>(payload, {
      next({ data, errors }) {
        if (data == null) return finish(problemOf(errors?.[0]));
        onLive?.(true);
        try {
          onNext(data, !wasHeard);
        } catch (error) {
          return finish(error);
        } finally {
          wasHeard = true;
        }
      },
      error: (error) => finish(Array.isArray(error) ? problemOf(error[0] as ApiErrorBody) : error),
      complete: () => finish(undefined),
    });
    const abort = (): void => finish(undefined);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();

    function finish(ending: unknown): void {
      signal.removeEventListener('abort', abort);
      stopListening();
      resolve({ ending, wasHeard, token: sentToken() });
      unsubscribe();
    }
  });
}

interface Attempt {
  readonly ending: unknown;
  readonly wasHeard: boolean;
  readonly token: string | undefined;
}

function closeCodeOf(ending: unknown): number {
  return typeof ending === 'object' && ending !== null && 'code' in ending && typeof ending.code === 'number'
    ? ending.code
    : 0;
}

/** Waits longer after each failure, but not after the machine is online again or the window is seen again. */
async function untilWorthTrying(failures: number, signal: AbortSignal): Promise<void> {
  const most = Math.min(failures < LATER_AFTER ? LONGEST_WAIT_MS : LONGEST_LATER_MS, FIRST_WAIT_MS * 2 ** failures);
  await new Promise<void>((resolve) => {
    const ended = new AbortController();
    const end = (): void => (ended.abort(), resolve());
    const timer = setTimeout(end, most * (0.5 + Math.random() / 2));
    ended.signal.addEventListener('abort', () => clearTimeout(timer));
    addEventListener('online', end, { signal: ended.signal });
    document.addEventListener('visibilitychange', end, { signal: ended.signal });
    signal.addEventListener('abort', end, { signal: ended.signal });
  });
}
