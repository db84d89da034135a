/** A line is drawn in a box of this size, which is stretched to the chart. */
export const BOX = { width: 1000, height: 100 } as const;
/** Points further apart are not connected: nothing was measured between them. */
const GAP_MS = 60_000;

interface Spot {
  readonly at: number;
  readonly value: number | undefined;
}

/** The path of a line through its values in the order of time, with gaps where there is none. Pure. */
export function linePath(spots: readonly Spot[], { from, to, top }: { from: number; to: number; top: number }): string {
  let last: number | undefined;
  const parts: string[] = [];
  for (const { at, value } of spots) {
    if (value === undefined) last = undefined;
    else {
      const x = ((at - from) / (to - from)) * BOX.width;
      const y = BOX.height - (Math.min(value, top) / top) * BOX.height;
      parts.push(`${last !== undefined && at - last <= GAP_MS ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`);
      last = at;
    }
  }
  return parts.join('');
}
