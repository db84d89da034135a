import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import type { MachineAddress } from '../engine/machine.ts';

export interface AppDoor extends MachineAddress {
  readonly scheme: 'http' | 'https';
}

/** As much of an answer as tells a 5xx from any other. */
const STATUS_HEAD = 'HTTP/1.1 5';

/**
 * Whether the app answers at its door, asked as the ingress would: a connection to the container's own address and a
 * request. Any answer counts, also a refusal to sign in or one that is not HTTP; a 5xx does not, since a web server in
 * front of an app that is still starting says just that. Never throws; false at the deadline.
 */
export async function askApp(door: AppDoor, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { host, port, scheme } = door;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = scheme === 'https' ? connectTls({ host, port, rejectUnauthorized: false }) : connect({ host, port });
  const giveUp = (): void => resolve(false);
  const deadline = setTimeout(giveUp, timeoutMs);
  signal.addEventListener('abort', giveUp, { once: true });
  socket.on('error', giveUp);
  socket.on('close', giveUp);
  socket.on(scheme === 'https' ? 'secureConnect' : 'connect', () => {
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: swiftor-readiness\r\nAccept: */*\r\nConnection: close\r\n\r\n`);
  });
  let head = '';
  socket.on('data', (chunk: Buffer) => {
    head += chunk.toString('latin1', 0, STATUS_HEAD.length);
    // A status line may come in pieces; what cannot become one is an answer as it is.
    const mayBeHttp = head.startsWith('HTTP/') || 'HTTP/'.startsWith(head);
    if (!mayBeHttp || head.length >= STATUS_HEAD.length) resolve(!/^HTTP\/\d\.\d 5/.test(head));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', giveUp);
    socket.destroy();
  }
}

/** Quick at first, since a small app is up in milliseconds; then gentle on one that takes minutes. */
function pauseMs(elapsedMs: number): number {
  if (elapsedMs < 1_000) return 10;
  return elapsedMs < 10_000 ? 100 : 500;
}

/** A lost SYN right after a container's start would otherwise cost a whole second. */
const FIRST_TIMEOUT_MS = 300;
const LATER_TIMEOUT_MS = 3_000;

/** Asks until the app answers; false when it did not within `deadlineMs`, or when the signal aborts. */
export async function awaitApp(door: AppDoor, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
  const begun = performance.now();
  for (;;) {
    const elapsed = performance.now() - begun;
    if (await askApp(door, elapsed < 2_000 ? FIRST_TIMEOUT_MS : LATER_TIMEOUT_MS, signal)) return true;
    if (signal.aborted || performance.now() - begun > deadlineMs) return false;
    await delay(pauseMs(elapsed), undefined, { signal }).catch(() => undefined);
  }
}
