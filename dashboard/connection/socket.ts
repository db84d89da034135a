import { createClient, type Client } from 'graphql-ws';
import { session } from '../session/session.ts';
import { now } from './clock.ts';

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 10_000;
/** After a sleep of the machine, a socket that has been silent for this long is not waited for. */
const SILENT_MS = 12_000;
/** The clock, which ticks each second, has jumped: the machine slept. */
const JUMP_MS = 5_000;

let heardAt = 0;
let pongTimer: ReturnType<typeof setTimeout> | undefined;
let sent: string | undefined;

/**
 * The one WebSocket of this window. It opens with the first subscription and closes after the last. It does not
 * reconnect: each subscription does, because each resumes in its own way (see `follow`).
 */
export const socket: Client = createClient({
  url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
  lazy: true,
  retryAttempts: 0,
  keepAlive: PING_EVERY_MS,
  async connectionParams() {
    sent = undefined;
    sent = await session.token();
    return { authorization: `Bearer ${sent}` };
  },
  on: {
    connected: () => (heardAt = Date.now()),
    message: () => (heardAt = Date.now()),
    ping(isReceived) {
      if (!isReceived) pongTimer ??= setTimeout(() => socket.terminate(), PONG_WITHIN_MS);
    },
    pong: stopWaiting,
    closed: stopWaiting,
  },
});

/** The token that the present or last connection was opened with. The session may have a newer one. */
export function sentToken(): string | undefined {
  return sent;
}

function stopWaiting(): void {
  clearTimeout(pongTimer);
  pongTimer = undefined;
}

function check(): void {
  if (document.visibilityState === 'visible' && heardAt > 0 && Date.now() - heardAt > SILENT_MS) socket.terminate();
}
document.addEventListener('visibilitychange', check);
addEventListener('pageshow', check);
// Of another network: the old socket may stay silent for long, and a new one resumes at no cost.
addEventListener('online', () => socket.terminate());
let last = now.peek();
now.subscribe((at) => {
  if (at - last > JUMP_MS) check();
  last = at;
});
