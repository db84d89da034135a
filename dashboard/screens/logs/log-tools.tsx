import type { JSX } from 'preact';
import type { ShownLine } from '../../telemetry/log-lines.ts';
import { Icon } from '../../parts/icons.tsx';
import { telemetryWords } from '../../words/telemetry.ts';
import { words } from '../../words/words.ts';

/** How the lines are shown. */
export interface LogView {
  readonly search: string;
  readonly errorsOnly: boolean;
  readonly wraps: boolean;
  readonly hasTimes: boolean;
}

interface LogToolsProps {
  readonly view: LogView;
  readonly onView: (view: LogView) => void;
  readonly isPaused: boolean;
  readonly onPause: (pauses: boolean) => void;
  readonly lines: readonly ShownLine[];
  readonly name: string;
}

const WORDS = telemetryWords.logs;

export function LogTools({ view, onView, isPaused, onPause, lines, name }: LogToolsProps): JSX.Element {
  const text = (): string => lines.map(({ at, text: own }) => `${at} ${own}`).join('\n');
  return (
    <div class="log-tools">
      <label class="search">
        <span class="hidden">{WORDS.filter}</span>
        <Icon name="search" />
        <input
          type="search"
          placeholder={WORDS.filter}
          value={view.search}
          onInput={(event) => onView({ ...view, search: event.currentTarget.value })}
        />
      </label>
      <div class="segments" role="group" aria-label={WORDS.filter}>
        {[false, true].map((errorsOnly) => (
          <button
            key={String(errorsOnly)}
            type="button"
            class="segment"
            aria-pressed={view.errorsOnly === errorsOnly}
            onClick={() => onView({ ...view, errorsOnly })}
          >
            {errorsOnly ? WORDS.errors : WORDS.all}
          </button>
        ))}
      </div>
      <label class="choice">
        <input
          type="checkbox"
          checked={view.wraps}
          onChange={(event) => onView({ ...view, wraps: event.currentTarget.checked })}
        />
        {WORDS.wrap}
      </label>
      <label class="choice">
        <input
          type="checkbox"
          checked={view.hasTimes}
          onChange={(event) => onView({ ...view, hasTimes: event.currentTarget.checked })}
        />
        {WORDS.times}
      </label>
      <span class="grow" />
      <span class={`link-state ${isPaused ? 'off' : 'on'}`}>
        <span class="dot" aria-hidden="true" />
        {isPaused ? WORDS.paused : WORDS.following}
      </span>
      <button type="button" class="button small" onClick={() => onPause(!isPaused)}>
        {isPaused ? WORDS.resume : WORDS.pause}
      </button>
      <button type="button" class="button small" onClick={() => void navigator.clipboard.writeText(text())}>
        {words.action.copy}
      </button>
      <button type="button" class="button small" onClick={() => download(`${name}.log`, text())}>
        {WORDS.download}
      </button>
    </div>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
