/** How values and times are placed on a chart. Pure. */

/** Lines of the grid above zero. */
const MOST_LINES = 4;
/** Labels of times below a chart. */
const MOST_TIMES = 5;
const SECOND = 1_000;
const TIME_STEPS = [10, 15, 30, 60, 120, 300, 600, 900, 1_800].map((seconds) => seconds * SECOND);

/** The smallest of the distances with which so few lines reach the top. */
function stepOf(top: number, steps: readonly number[] | undefined): number {
  const fits = (step: number): boolean => top / step <= MOST_LINES;
  const known = steps?.find(fits);
  if (known !== undefined) return known;
  const power = 10 ** Math.floor(Math.log10(top / MOST_LINES));
  return [1, 2, 5, 10].map((factor) => factor * power).find(fits) ?? top;
}

/** The values that get a line, from 0 up to `top`; at round distances, or at one of `steps`. */
export function gridOf(top: number, steps?: readonly number[]): number[] {
  const step = stepOf(top, steps);
  // A top that floating point puts just below its line still gets it.
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_each, index) => index * step);
}

/** The times that get a label, at full minutes or parts of them. */
export function timesOf(from: number, to: number): number[] {
  const step = TIME_STEPS.find((each) => (to - from) / each <= MOST_TIMES) ?? to - from;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_each, index) => first + index * step);
}
