/** One line of the results. */
export interface Figure {
  readonly name: string;
  readonly ours: number;
  /** The baseline, measured in alternation with the gateway. Undefined without one. */
  readonly floor?: number;
  /** The median ratio of adjacent rounds, which share the machine's noise. */
  readonly ratio?: number;
  readonly unit: 'ms' | 'µs' | 'req/s' | 'MB/s' | 'MB' | 'KB' | '%' | '/s' | '';
  /** The maximum or minimum of the ratio, or of the value if there is no floor. */
  readonly goal?: { readonly of: 'ratio' | 'value' } & ({ readonly atMost: number } | { readonly atLeast: number });
}

/** Whether the figure meets its goal. Undefined without a goal. */
export function meetsGoal(figure: Figure): boolean | undefined {
  const { ours, goal } = figure;
  if (goal === undefined) return undefined;
  const value = goal.of === 'ratio' ? (ratioOf(figure) ?? Number.NaN) : ours;
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}

function ratioOf({ ours, floor, ratio }: Figure): number | undefined {
  return ratio ?? (floor === undefined ? undefined : ours / floor);
}

/** Formats the figures as a table for a terminal. */
export function formatFigures(figures: readonly Figure[]): string {
  const rows = [['figure', 'ours', 'floor', 'ratio', 'goal', 'met'], ...figures.map(toRow)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  ')).join('\n');
}

function toRow(figure: Figure): string[] {
  const { name, ours, floor, unit, goal } = figure;
  const ratio = ratioOf(figure);
  const met = meetsGoal(figure);
  return [
    name,
    `${round(ours)} ${unit}`,
    floor === undefined ? '' : `${round(floor)} ${unit}`,
    ratio === undefined ? '' : `${ratio.toFixed(2)}x`,
    goal === undefined ? '' : sayGoal(goal, unit),
    met === undefined ? '' : met ? 'met' : 'NOT MET',
  ];
}

function sayGoal(goal: NonNullable<Figure['goal']>, unit: Figure['unit']): string {
  const [word, value] = 'atMost' in goal ? ['at most', goal.atMost] : ['at least', goal.atLeast];
  return `${word} ${goal.of === 'ratio' ? `${value}x` : `${value} ${unit}`}`;
}

/** Aligns names left and numbers right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 || column > 3 ? cell.padEnd(width) : cell.padStart(width);
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
