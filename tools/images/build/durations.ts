import type { Recipe } from '../../../images/recipes.ts';

/** Seconds that building these takes where their first step, which recipes of the same files share, is built once. */
export function secondsOf(recipes: readonly Pick<Recipe, 'files' | 'seconds' | 'fetchSeconds'>[]): number {
  const shared = new Map<string | undefined, number>();
  let own = 0;
  for (const { files, seconds, fetchSeconds = 0 } of recipes) {
    const [first = 0, ...rest] = seconds;
    shared.set(files[0]?.[0], first);
    own += sum(rest) + fetchSeconds;
  }
  return own + sum([...shared.values()]);
}

/** For a person. */
export function toDuration(seconds: number): string {
  return seconds < 100 ? `${Math.max(10, Math.round(seconds / 10) * 10)} s` : `${Math.round(seconds / 60)} min`;
}

/**
 * The seconds that are left as this machine goes: `elapsed` were taken for what takes `done` where the recipes were
 * measured.
 */
export function atThisPace(secondsLeft: number, { done, elapsed }: { done: number; elapsed: number }): number {
  const slowness = done < 10 ? 1 : Math.max(1, elapsed / done);
  return Math.round(secondsLeft * slowness);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
