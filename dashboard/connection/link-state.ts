import { computed, signal } from '@preact/signals';
import { now } from './clock.ts';
import { isCrowded } from './crowded.ts';

/** How the page is connected with the gateway. */
export type Link =
  /** Events arrive; or the connection has been gone for less than a second. */
  | 'live'
  | 'reconnecting'
  | 'offline'
  /** The machine is online, but the gateway does not answer. */
  | 'away'
  /** The account has too many windows open. */
  | 'crowded';

/** Short interruptions are not worth a change on the screen. */
const UNNOTICED_MS = 1_000;
const AWAY_AFTER_MS = 5_000;

const isOnline = signal(navigator.onLine);
addEventListener('online', () => (isOnline.value = true));
addEventListener('offline', () => (isOnline.value = false));

/** Since when no events arrive; undefined while they do. */
export const lostAt = signal<number | undefined>(Date.now());
/** Whether events have ever arrived. */
export const wasLive = signal(false);

export const link = computed<Link>(() => {
  if (isCrowded.value) return 'crowded';
  if (!isOnline.value) return 'offline';
  if (lostAt.value === undefined) return 'live';
  const lostFor = now.value - lostAt.value;
  if (lostFor < UNNOTICED_MS) return 'live';
  return lostFor < AWAY_AFTER_MS ? 'reconnecting' : 'away';
});

export function setLive(isLive: boolean): void {
  if (isLive) {
    wasLive.value = true;
    lostAt.value = undefined;
  } else lostAt.value ??= Date.now();
}

/** From when the screen is; undefined while it is live. */
export const shownSince = computed(() => (link.value === 'live' ? undefined : lostAt.value));
