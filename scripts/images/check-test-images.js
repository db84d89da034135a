import { RECIPES } from '../../images/recipes.js';
import { buildAll } from './build-all.js';
import { secondsOf, toDuration } from './durations.js';
import { stateOf } from './image-state.js';

/** What the browser tests open. */
const NAMES = ['webtop-debian-xfce', 'code-server'];

/** What is to be done so that the browser tests have their images; undefined when nothing is. */
export async function checkTestImages() {
  const recipes = RECIPES.filter(({ name }) => NAMES.includes(name));
  const missing = [];
  for (const recipe of recipes) {
    // Without an engine, or without the npm packages that images take files from, nothing is built.
    const state = await stateOf(recipe).catch(() => 'missing');
    if (state !== 'built') missing.push(recipe);
  }
  if (missing.length === 0) return undefined;
  return {
    why: `${missing.map(({ imageRef }) => imageRef).join(', ')}: the tests open them in a browser; about ${toDuration(secondsOf(missing))}`,
    start: () => buildAll(missing),
  };
}
