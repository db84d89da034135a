import { BASE, RECIPES, type Recipe } from '../../images/recipes.ts';
import { openEngine } from '../engine.ts';
import { hasBase } from './build/base-image.ts';
import { secondsOf, toDuration } from './build/durations.ts';
import { findOnEngine, stateOf, type ImageState } from './image-state.ts';

const SAY: Readonly<Record<ImageState, (recipe: Recipe) => string>> = {
  built: () => 'built',
  outdated: () => 'built, but its recipe has changed since',
  missing: (recipe) => `not built, about ${toDuration(secondsOf([recipe]))}`,
};

/** Prints what can be built, what is, and how long the rest takes. */
export async function listImages(): Promise<void> {
  using engine = openEngine();
  const due: Recipe[] = [];
  for (const recipe of RECIPES) {
    const [state, image] = [await stateOf(engine, recipe), await findOnEngine(engine, recipe.imageRef)];
    if (state !== 'built') due.push(recipe);
    const size = image === undefined ? `about ${recipe.megabytes} MB` : `${Math.round(image.bytes / 1e6)} MB`;
    console.log([recipe.name.padEnd(18), recipe.imageRef.padEnd(26), size.padStart(13), SAY[state](recipe)].join('  '));
  }
  if (due.length === 0) {
    console.log('\nAll are built. "npm run images -- --fresh NAME" builds one of the newest packages.');
    return;
  }
  const seconds = secondsOf(due) + ((await hasBase(engine)) ? 0 : BASE.seconds);
  console.log(
    '\nnpm run images -- NAME...   builds some.\n' +
      `npm run images -- all       builds the rest, about ${toDuration(seconds)}.`,
  );
}
