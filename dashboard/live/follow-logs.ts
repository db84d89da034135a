import { VmLogs, type LogLine } from '../api/subscriptions.ts';
import { follow } from './follow.ts';

/** Older lines are let go. */
export const MOST_LINES = 5_000;
const DRAW_EVERY_MS = 250;

/** The lines on the screen. `id` counts them from the first. */
export interface ShownLine extends LogLine {
  readonly id: number;
}

/**
 * Calls back with the lines, at most four times a second, until the signal aborts. After a cut the gateway sends its
 * last lines again; those that are there already are passed over.
 */
export async function followLogs(
  vmId: string,
  onLines: (lines: readonly ShownLine[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let lines: ShownLine[] = [];
  let count = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let known: ReadonlySet<string> = new Set();
  const draw = (): void => {
    timer = undefined;
    if (lines.length > MOST_LINES) lines = lines.slice(-MOST_LINES);
    onLines(lines);
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  await follow(VmLogs, {
    signal,
    variables: () => ({ vmId }),
    onNext({ vmLogs: line }, isFirst) {
      if (isFirst) known = new Set(lines.map(keyOf));
      if (known.has(keyOf(line))) return;
      count += 1;
      lines.push({ ...line, id: count });
      timer ??= setTimeout(draw, DRAW_EVERY_MS);
    },
  });
}

function keyOf({ at, text }: LogLine): string {
  return `${at} ${text}`;
}
