import { RECIPES, type Recipe } from '../../images/recipes.ts';
import type { Need } from '../../scripts/prepare/meet-needs.js';
import { openEngine } from '../engine.ts';
import { buildAll } from '../images/build/build-all.ts';
import { secondsOf, toDuration } from '../images/build/durations.ts';
import { stateOf } from '../images/image-state.ts';

/** What the browser tests open. */
const NAMES = ['webtop-debian-xfce', 'code-server'];

/** What is to be done so that the browser tests have their images; undefined when nothing is. */
export async function checkTestImages(): Promise<Need | undefined> {
  using engine = openEngine();
  const missing: Recipe[] = [];
  for (const recipe of RECIPES.filter(({ name }) => NAMES.includes(name))) {
    // Without an engine nothing is built.
    const state = await stateOf(engine, recipe).catch(() => 'missing');
    if (state !== 'built') missing.push(recipe);
  }
  if (missing.length === 0) return undefined;
  return {
    why:
      `${missing.map(({ imageRef }) => imageRef).join(', ')}: the tests open them in a browser; about ` +
      toDuration(secondsOf(missing)),
    start: () => buildAll(missing),
  };
}
