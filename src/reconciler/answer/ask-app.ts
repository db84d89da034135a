import { randomBytes } from 'node:crypto';
import { request as requestApp, type RequestOptions } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { startPatientTimer } from '../../lib/concurrency/patient-timer.ts';
import type { AppEndpoint } from './app-endpoint.ts';
import { isUp, type AppAnswer } from './judge-answer.ts';

/**
 * Checks whether the app is up: sends what its probe says to the container's own address, as the ingress would. Returns
 * false at the deadline; never throws. A gateway that is late itself does not take an app for silent.
 */
export async function askApp(endpoint: AppEndpoint, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  const { probe, credentials } = endpoint;
  const answers = await Promise.all([probe.path].flat().map((path) => askPath(endpoint, path, timeoutMs, signal)));
  return answers.some((answer) => isUp(probe.expect, credentials !== undefined, answer));
}

async function askPath(
  endpoint: AppEndpoint,
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<AppAnswer> {
  if (signal.aborted) return 'nothing';
  const { promise, resolve } = Promise.withResolvers<AppAnswer>();
  const onNoAnswer = (): void => resolve('nothing');
  const request = requestApp(optionsOf(endpoint, path));
  request.on('response', (response) => {
    response.on('error', onNoAnswer);
    resolve(response.statusCode ?? 'not-http');
  });
  request.on('upgrade', (response, socket) => {
    // The request no longer owns the socket.
    socket.on('error', onNoAnswer).destroy();
    resolve(response.statusCode ?? 'not-http');
  });
  request.on('error', ({ code }: NodeJS.ErrnoException) =>
    resolve(code?.startsWith('HPE_') === true ? 'not-http' : 'nothing'),
  );
  const cancel = startPatientTimer(timeoutMs, onNoAnswer);
  signal.addEventListener('abort', onNoAnswer, { once: true });
  request.end();
  try {
    return await promise;
  } finally {
    cancel();
    signal.removeEventListener('abort', onNoAnswer);
    request.destroy();
  }
}

function optionsOf(endpoint: AppEndpoint, path: string): RequestOptions {
  const { host, port, scheme, probe, credentials } = endpoint;
  const headers = {
    'user-agent': 'swiftor-readiness',
    accept: '*/*',
    ...(probe.expect === 'websocket' && unacceptableUpgrade()),
  };
  // A connection of its own: a kept one would not show whether the app still accepts new ones.
  return {
    host,
    port,
    path,
    headers,
    defaultPort: scheme === 'https' ? 443 : 80,
    createConnection: () => connectTo(endpoint),
    ...(credentials !== undefined && { auth: credentials }),
  };
}

function connectTo(endpoint: AppEndpoint): Socket {
  const socket = endpoint.dial(endpoint);
  return endpoint.scheme === 'https' ? connectTls({ socket, rejectUnauthorized: false }) : socket;
}

/**
 * Requests a WebSocket in a version that no server supports. The server must refuse it with 400 or 426 (RFC 6455, 4.4).
 * Opening a real one every few seconds would take the picture from the user (Selkies serves its newest client) or lock
 * out the address of all users (VNC servers count clients that leave before they have signed in).
 */
function unacceptableUpgrade() {
  const key = randomBytes(16).toString('base64');
  return { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '255', 'sec-websocket-key': key };
}

/** Short at first, because a small app is up in milliseconds; longer for one that takes minutes. */
function pauseMs(elapsedMs: number): number {
  if (elapsedMs < 1_000) return 10;
  return elapsedMs < 10_000 ? 100 : 500;
}

/** A SYN that is lost right after the container's start would otherwise cost a whole second. */
const FIRST_TIMEOUT_MS = 300;
const LATER_TIMEOUT_MS = 3_000;

/** Waits until the app is up. Returns false after `deadlineMs`, or when the signal aborts. */
export async function awaitApp(endpoint: AppEndpoint, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
  const startedAt = performance.now();
  for (;;) {
    const elapsed = performance.now() - startedAt;
    if (await askApp(endpoint, elapsed < 2_000 ? FIRST_TIMEOUT_MS : LATER_TIMEOUT_MS, signal)) return true;
    if (signal.aborted || performance.now() - startedAt > deadlineMs) return false;
    await delay(pauseMs(elapsed), undefined, { signal }).catch(() => undefined);
  }
}
