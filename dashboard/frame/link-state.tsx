import type { JSX } from 'preact';
import { link, wasLive } from '../connection/link-state.ts';
import { words } from '../words/words.ts';

/** Whether what is on the screen is live. */
export function LinkState(): JSX.Element {
  const state = link.value;
  const text = state === 'live' && !wasLive.value ? words.link.connecting : words.link[state];
  return (
    <span class={`link-state ${state === 'live' && wasLive.value ? 'on' : 'off'}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span>{text}</span>
    </span>
  );
}
