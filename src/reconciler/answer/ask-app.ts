import { randomBytes } from 'node:crypto';
import { request as requestHttp, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppDoor } from './app-door.ts';
import { isUp, type AppAnswer } from './judge-answer.ts';

/**
 * Whether the app is up, asked as the ingress would: a request to the container's own address, as its probe says. Never throws;
 * false at the deadline.
 */
export async function askApp(door: AppDoor, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  const { probe, credentials } = door;
  const answers = await Promise.all([probe.path].flat().map((path) => hear(door, path, timeoutMs, signal)));
  return answers.some((answer) => isUp(probe.expect, credentials !== undefined, answer));
}

async function hear(door: AppDoor, path: string, timeoutMs: number, signal: AbortSignal): Promise<AppAnswer> {
  if (signal.aborted) return 'nothing';
  const { promise, resolve } = Promise.withResolvers<AppAnswer>();
  const giveUp = (): void => resolve('nothing');
  const request = door.scheme === 'https' ? requestHttps(optionsOf(door, path)) : requestHttp(optionsOf(door, path));
  request.on('response', (response) => {
    response.on('error', giveUp);
    resolve(response.statusCode ?? 'not-http');
  });
  request.on('upgrade', (response, socket) => {
    // The socket is no longer the request's.
    socket.on('error', giveUp).destroy();
    resolve(response.statusCode ?? 'not-http');
  });
  request.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code?.startsWith('HPE_') === true ? 'not-http' : 'nothing'));
  const deadline = setTimeout(giveUp, timeoutMs);
  signal.addEventListener('abort', giveUp, { once: true });
  request.end();
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', giveUp);
    request.destroy();
  }
}

function optionsOf({ host, port, probe, credentials }: AppDoor, path: string): RequestOptions & { rejectUnauthorized: boolean } {
  const headers = { 'user-agent': 'swiftor-readiness', accept: '*/*', ...(probe.expect === 'websocket' && unacceptableUpgrade()) };
  // A connection of its own each time: one that is kept says nothing of whether the app still takes them.
  return { host, port, path, headers, agent: false, rejectUnauthorized: false, ...(credentials !== undefined && { auth: credentials }) };
}

/**
 * Asks for a WebSocket in a version that no server speaks, which it has to refuse (RFC 6455, 4.4): 400 or 426. One that is opened every few
 * seconds would take the picture away from its user (Selkies serves its newest client), or lock the address of all users out (VNC
 * servers count each that leaves before it has signed in).
 */
function unacceptableUpgrade() {
  const key = randomBytes(16).toString('base64');
  return { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '255', 'sec-websocket-key': key };
}

/** Quick at first, since a small app is up in milliseconds; then gentle on one that takes minutes. */
function pauseMs(elapsedMs: number): number {
  if (elapsedMs < 1_000) return 10;
  return elapsedMs < 10_000 ? 100 : 500;
}

/** A lost SYN right after a container's start would otherwise cost a whole second. */
const FIRST_TIMEOUT_MS = 300;
const LATER_TIMEOUT_MS = 3_000;

/** Asks until the app is up; false when it was not within `deadlineMs`, or when the signal aborts. */
export async function awaitApp(door: AppDoor, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
  const begun = performance.now();
  for (;;) {
    const elapsed = performance.now() - begun;
    if (await askApp(door, elapsed < 2_000 ? FIRST_TIMEOUT_MS : LATER_TIMEOUT_MS, signal)) return true;
    if (signal.aborted || performance.now() - begun > deadlineMs) return false;
    await delay(pauseMs(elapsed), undefined, { signal }).catch(() => undefined);
  }
}
