import { BASE } from '../../images/recipes.js';
import { ensureBase, hasBase } from './base-image.js';
import { buildImage } from './build-image.js';
import { BuildReport } from './build-report.js';
import { oneAtATime } from '../prepare/one-at-a-time.js';
import { say } from '../prepare/report.js';
import { secondsOf, toDuration } from './durations.js';
import { stateOf } from './image-state.js';

/** Builds what of the recipes is missing or outdated, one after the other; with `fresh` all of them, of the newest packages. */
export function buildAll(recipes, { fresh = false, signal } = {}) {
  // Looked at under the lock: whoever held it may have done the work.
  return oneAtATime(() => build(recipes, { fresh, signal }), 'images');
}

async function build(recipes, { fresh, signal }) {
  const due = [];
  for (const recipe of recipes) if (fresh || (await stateOf(recipe)) !== 'built') due.push(recipe);
  if (due.length === 0) return;
  const baseSeconds = (await hasBase()) ? 0 : BASE.seconds;
  say(`building ${due.map(({ imageRef }) => imageRef).join(', ')}, about ${toDuration(secondsOf(due) + baseSeconds)}`);
  const reports = new Map(due.map((recipe) => [recipe, new BuildReport(recipe.imageRef)]));
  try {
    for (const recipe of due) reports.get(recipe).secondsLeft = secondsOf([recipe]) + baseSeconds;
    const base = await ensureBase();
    for (const [at, recipe] of due.entries()) {
      signal?.throwIfAborted();
      const place = due.length > 1 ? `${at + 1} of ${due.length}: ` : '';
      await buildImage(recipe, { base, fresh, place, signal, report: reports.get(recipe) });
    }
  } finally {
    for (const report of reports.values()) report.close();
  }
}
