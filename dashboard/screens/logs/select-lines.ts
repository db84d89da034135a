import type { ShownLine } from '../../telemetry/log-lines.ts';

/** The lines that have the text, ignoring case, and come from where the filter says. Pure. */
export function selectLines(
  lines: readonly ShownLine[],
  { search, errorsOnly }: { search: string; errorsOnly: boolean },
): readonly ShownLine[] {
  const wanted = search.toLowerCase();
  if (wanted === '' && !errorsOnly) return lines;
  return lines.filter(
    ({ stream, text }) => (!errorsOnly || stream === 'stderr') && text.toLowerCase().includes(wanted),
  );
}
