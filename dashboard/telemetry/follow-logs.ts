import { VmLogs } from '../api/subscriptions.ts';
import { follow } from '../connection/follow.ts';
import { LogLines, type ShownLine } from './log-lines.ts';

const DRAW_EVERY_MS = 250;

/**
 * Calls back with the lines, at most four times a second, until the signal aborts. Goes on after the lines of `before`.
 */
export async function followLogs(
  vmId: string,
  onLines: (lines: readonly ShownLine[]) => void,
  signal: AbortSignal,
  before?: readonly ShownLine[],
): Promise<void> {
  const lines = new LogLines(before);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = (): void => {
    timer = undefined;
    onLines(lines.toArray());
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  await follow(VmLogs, {
    signal,
    variables: () => ({ vmId, after: lines.cursor ?? null }),
    onNext({ vmLogs: line }) {
      lines.add(line);
      timer ??= setTimeout(draw, DRAW_EVERY_MS);
    },
  });
}
