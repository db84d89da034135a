import { BASE, RECIPES } from '../../images/recipes.js';
import { hasBase } from './base-image.js';
import { secondsOf, toDuration } from './durations.js';
import { findImage } from './engine-call.js';
import { stateOf } from './image-state.js';

const SAY = {
  built: () => 'built',
  outdated: () => 'built, but its recipe has changed since',
  missing: (recipe) => `not built, about ${toDuration(secondsOf([recipe]))}`,
};

/** Prints what can be built, what is, and how long the rest takes. */
export async function listImages() {
  const due = [];
  for (const recipe of RECIPES) {
    const [state, image] = [await stateOf(recipe), await findImage(recipe.imageRef)];
    if (state !== 'built') due.push(recipe);
    const size = image === undefined ? `about ${recipe.megabytes} MB` : `${image.megabytes} MB`;
    console.log([recipe.name.padEnd(18), recipe.imageRef.padEnd(26), size.padStart(13), SAY[state](recipe)].join('  '));
  }
  if (due.length === 0) return console.log('\nAll are built. "npm run images -- --fresh NAME" builds one of the newest packages.');
  const seconds = secondsOf(due) + ((await hasBase()) ? 0 : BASE.seconds);
  console.log(`\nnpm run images -- NAME...   builds some.\nnpm run images -- all       builds the rest, about ${toDuration(seconds)}.`);
}
