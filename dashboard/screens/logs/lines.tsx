import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ShownLine } from '../../telemetry/log-lines.ts';
import { Icon } from '../../parts/icons.tsx';
import { telemetryWords } from '../../words/telemetry.ts';
import type { LogView } from './log-tools.tsx';

const WORDS = telemetryWords.logs;
/** So close to the end counts as being there. */
const NEAR_PX = 24;

/** The lines in a box that follows its end until the user scrolls up. */
export function Lines({
  lines,
  view,
  isPaused,
}: {
  lines: readonly ShownLine[];
  view: LogView;
  isPaused: boolean;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState<number>();
  const last = lines.at(-1)?.id ?? 0;
  const isAtEnd = seen === undefined;
  useLayoutEffect(() => {
    if (isAtEnd && !isPaused) scrollToEnd();
  });
  useEffect(scrollToEnd, [view.wraps]);
  const scroll = (): void => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = box.current ?? {};
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (isNear) setSeen(undefined);
    else setSeen((before) => before ?? last);
  };
  const fresh = seen === undefined ? 0 : lines.filter(({ id }) => id > seen).length;
  return (
    <div class="log-frame">
      <div
        ref={box}
        class={`log-box ${view.wraps ? 'wraps' : ''}`}
        role="log"
        aria-live="off"
        aria-label={WORDS.label}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls
        tabIndex={0}
        onScroll={scroll}
      >
        {lines.map((line) => (
          <div key={line.id} class={`log-line ${line.stream}`}>
            {view.hasTimes && <time datetime={line.at}>{line.at.slice(11, 23)}</time>}
            {line.stream === 'stderr' && <span class="hidden">{WORDS.stderr}: </span>}
            <span>{line.text}</span>
          </div>
        ))}
      </div>
      {fresh > 0 && (
        <button
          type="button"
          class="button small new-lines"
          onClick={() => {
            setSeen(undefined);
            scrollToEnd();
          }}
        >
          <Icon name="down" />
          {WORDS.newLines(fresh)}
        </button>
      )}
    </div>
  );

  function scrollToEnd(): void {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }
}
