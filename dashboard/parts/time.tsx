import type { JSX } from 'preact';
import { now } from '../connection/clock.ts';
import { duration, time } from '../words/format.ts';

/** "10:57", with the exact time for those who look. */
export function Time({ at }: { at: string }): JSX.Element {
  return (
    <time datetime={at} title={at}>
      {time(at)}
    </time>
  );
}

/** How long it has been: "2 h 3 min". */
export function Elapsed({ since }: { since: string }): JSX.Element {
  return <>{duration(Math.max(0, (now.value - new Date(since).getTime()) / 1000))}</>;
}
