import type { JSX } from 'preact';
import type { Region } from '../api/desk.ts';
import { now } from '../connection/clock.ts';
import { isCrowded } from '../connection/crowded.ts';
import { desk } from '../account/desk.ts';
import { link, lostAt } from '../connection/link-state.ts';
import { isPageOutdated } from '../connection/page-outdated.ts';
import { allVms } from '../vms/vms.ts';
import { readRefresh } from '../session/token-storage.ts';
import { session } from '../session/session.ts';
import { words } from '../words/words.ts';

const ENDS_SOON_MS = 5 * 60_000;

interface Message {
  readonly text: string;
  readonly tone: 'warn' | 'info';
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** At most one message about everything on the screen, the most important. */
export function Banner(): JSX.Element {
  const message = findMessage();
  return (
    <div role="status">
      {message !== undefined && (
        <p class={`banner ${message.tone}`}>
          <span>{message.text}</span>
          {message.action !== undefined && (
            <button type="button" class="button small" onClick={message.action.run}>
              {message.action.label}
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function findMessage(): Message | undefined {
  const { banner } = words;
  if (link.value === 'crowded')
    return {
      text: banner.crowded,
      tone: 'warn',
      action: { label: banner.tryHere, run: () => (isCrowded.value = false) },
    };
  if (link.value === 'offline') return { text: banner.offline(lostAt.value ?? now.value), tone: 'warn' };
  if (link.value === 'away') return { text: banner.away, tone: 'warn' };
  const ending = sessionEnd();
  if (ending !== undefined)
    return {
      text: banner.ending(ending),
      tone: 'warn',
      action: { label: banner.signInAgain, run: () => session.end('expired') },
    };
  if (isPageOutdated.value)
    return { text: banner.newer, tone: 'info', action: { label: banner.reload, run: () => location.reload() } };
  const region = brokenRegion();
  return region === undefined ? undefined : { text: region.problem ?? banner.region(region.name), tone: 'warn' };
}

/** When the session ends, if that is soon and it cannot be renewed. */
function sessionEnd(): number | undefined {
  const state = session.state.value;
  if (state.kind !== 'in' || state.expiresAt === undefined || readRefresh()?.refreshToken !== undefined)
    return undefined;
  const left = state.expiresAt - now.value;
  return left > 0 && left < ENDS_SOON_MS ? state.expiresAt : undefined;
}

/** The first region that has a VM here and cannot start any. */
function brokenRegion(): Region | undefined {
  const used = new Set(allVms.value.map(({ region }) => region));
  return desk.value?.regions.find(({ code, available }) => !available && used.has(code));
}
