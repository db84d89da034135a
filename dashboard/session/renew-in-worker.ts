import { Problem } from '../api/problem.ts';
import { signInWords } from '../words/sign-in.ts';
import type { RenewalAnswer } from './renewal-worker.ts';
import type { IssuedTokens } from './session.ts';
import type { Refresh } from './token-storage.ts';

/** The only script that the page's policy lets it give to the browser. */
const WORKER = '/renewal-worker.js';
/** No page has such an address: the worker controls none. */
const SCOPE = '/sign-in/renewal/';
const STARTS_WITHIN_MS = 5_000;
/** The worker's requests end before. */
const ANSWERS_WITHIN_MS = 40_000;

interface ScriptPolicy {
  createScriptURL(text: string): string;
}
/** Not all browsers have trusted types. */
const { trustedTypes } = globalThis as {
  trustedTypes?: { createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy };
};

let worker: Promise<ServiceWorker | undefined> | undefined;

/**
 * New tokens for a refresh token, from a service worker, so that a reload in the middle loses none. Where there are no
 * service workers, in some private windows, the page itself asks. Rejects as `renewTokens` does.
 */
export async function renewInWorker(refresh: Refresh): Promise<IssuedTokens> {
  worker ??= startWorker().catch(() => undefined);
  const active = await worker;
  if (active === undefined) return (await import('./oidc.ts')).renewTokens(refresh);
  const answer = await ask(active, refresh);
  if ('tokens' in answer) return answer.tokens;
  if (answer.isRefusal) throw new Problem('UNAUTHENTICATED', answer.problem);
  throw new Error(answer.problem);
}

async function startWorker(): Promise<ServiceWorker> {
  const policy = trustedTypes?.createPolicy('renewal-worker', { createScriptURL: () => WORKER });
  const url = policy?.createScriptURL('') ?? WORKER;
  const registration = await navigator.serviceWorker.register(url, { scope: SCOPE, updateViaCache: 'none' });
  const starting = registration.active ?? registration.waiting ?? registration.installing;
  if (starting === null) throw new Error('The browser has registered no worker.');
  const signal = AbortSignal.timeout(STARTS_WITHIN_MS);
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (starting.state === 'activated') resolve();
      else if (starting.state === 'redundant') reject(new Error('The browser has dropped the worker.'));
    };
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    starting.addEventListener('statechange', look);
    look();
  });
  return starting;
}

async function ask(active: ServiceWorker, refresh: Refresh): Promise<RenewalAnswer> {
  const { port1, port2 } = new MessageChannel();
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
  try {
    return await new Promise<RenewalAnswer>((resolve, reject) => {
      port1.addEventListener('message', ({ data }: MessageEvent<RenewalAnswer>) => resolve(data));
      signal.addEventListener('abort', () => reject(new Error(signInWords.noAnswer)));
      port1.start();
      active.postMessage(refresh, [port2]);
    });
  } finally {
    port1.close();
  }
}
