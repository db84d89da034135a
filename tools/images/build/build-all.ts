import { BASE, type Recipe } from '../../../images/recipes.ts';
import { oneAtATime } from '../../../scripts/prepare/one-at-a-time.js';
import { say } from '../../../scripts/prepare/report.js';
import { openEngine } from '../../engine.ts';
import { ensureBase, hasBase } from './base-image.ts';
import { buildImage } from './build-image.ts';
import { BuildReport } from './build-report.ts';
import { secondsOf, toDuration } from './durations.ts';
import { stateOf } from '../image-state.ts';

interface BuildAllOptions {
  readonly fresh?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Builds what of the recipes is missing or outdated, one after the other; with `fresh` all of them, of the newest
 * packages.
 */
export function buildAll(
  recipes: readonly Recipe[],
  { fresh = false, signal = new AbortController().signal }: BuildAllOptions = {},
) {
  // Looked at under the lock: another process may have done the work while it held it.
  return oneAtATime(() => build(recipes, fresh, signal), 'images');
}

async function build(recipes: readonly Recipe[], fresh: boolean, signal: AbortSignal): Promise<void> {
  using engine = openEngine();
  const due: Recipe[] = [];
  for (const recipe of recipes) if (fresh || (await stateOf(engine, recipe)) !== 'built') due.push(recipe);
  if (due.length === 0) return;
  const baseSeconds = (await hasBase(engine)) ? 0 : BASE.seconds;
  say(`building ${due.map(({ imageRef }) => imageRef).join(', ')}, about ${toDuration(secondsOf(due) + baseSeconds)}`);
  const reports = due.map((recipe) => ({
    recipe,
    report: new BuildReport(recipe.imageRef, secondsOf([recipe]) + baseSeconds),
  }));
  try {
    const base = await ensureBase(engine, signal);
    for (const [at, { recipe, report }] of reports.entries()) {
      signal.throwIfAborted();
      const place = due.length > 1 ? `${at + 1} of ${due.length}: ` : '';
      await buildImage(engine, recipe, { base, fresh, place, signal, report });
    }
  } finally {
    for (const { report } of reports) report.close();
  }
}
