import type { RoundResult } from './round.ts';
import { VIOLATION_KINDS } from './checks/violation.ts';

const HEADERS: Readonly<Record<(typeof VIOLATION_KINDS)[number], string>> = {
  lost: 'lost',
  destroyed: 'data lost',
  zombie: 'zombies',
  double: 'doubles',
  status: 'wrong statuses',
  restarted: 'restarted healthy apps',
  gap: 'gaps',
  limit: 'limits passed',
  answer: 'bad answers',
  exit: 'exits',
  helper: 'helpers left',
  leak: 'leaks',
};

/** One line on a round, while more follow. */
export function describeRound(result: RoundResult): string {
  const { nemesis, acknowledged, convergedMs, violations } = result;
  const rest = convergedMs === undefined ? 'did not converge' : `converged in ${seconds(convergedMs)} s`;
  const findings = violations.map(({ kind, what }) => `\n    ${kind}: ${what}`).join('');
  return `${violations.length === 0 ? 'ok  ' : 'FAIL'} ${nemesis}: ${acknowledged} operations, ${rest}, reads p99 ${p99(result.readTimes)} ms${findings}`;
}

/** The table of all rounds: a line for each fault, and the total. */
export function renderReport(results: readonly RoundResult[]): string {
  const byNemesis = Map.groupBy(results, ({ nemesis }) => nemesis);
  const lines = [...byNemesis].map(([name, rounds]) => lineOf(name, rounds));
  const header = [
    'fault',
    'rounds',
    'starts',
    'kills',
    'operations',
    ...VIOLATION_KINDS.map((kind) => HEADERS[kind]),
    'converged p50 s',
    'max s',
    'read p99 ms',
  ];
  return renderTable([header, ...lines, lineOf('total', results)]);
}

function lineOf(name: string, rounds: readonly RoundResult[]): string[] {
  const sum = (of: (round: RoundResult) => number): string =>
    String(rounds.reduce((total, round) => total + of(round), 0));
  const times = rounds.map(({ convergedMs }) => convergedMs ?? Infinity).toSorted((a, b) => a - b);
  return [
    name,
    String(rounds.length),
    sum(({ starts }) => starts),
    sum(({ kills }) => kills),
    sum(({ acknowledged }) => acknowledged),
    ...VIOLATION_KINDS.map((kind) => sum(({ violations }) => violations.filter((each) => each.kind === kind).length)),
    seconds(quantile(times, 0.5)),
    seconds(quantile(times, 1)),
    p99(rounds.flatMap(({ readTimes }) => readTimes)),
  ];
}

const seconds = (ms: number): string => (Number.isFinite(ms) ? (ms / 1_000).toFixed(1) : 'never');
const p99 = (times: readonly number[]): string =>
  times.length === 0
    ? '-'
    : quantile(
        times.toSorted((a, b) => a - b),
        0.99,
      ).toFixed(0);

/** Of sorted numbers. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Columns are as wide as their widest cell; the first is aligned to the left, numbers to the right. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
