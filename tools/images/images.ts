/**
 * Builds images where no registry has them: `npm run images -- NAME...|all [--fresh]`. Without a name it lists what
 * there is.
 */
import { RECIPES, type Recipe } from '../../images/recipes.ts';
import { PrepareFailure, say, speakAs } from '../../scripts/prepare/report.js';
import { openEngine } from '../engine.ts';
import { sayToolFailure } from '../say-failure.ts';
import { buildAll } from './build/build-all.ts';
import { stateOf } from './image-state.ts';
import { listImages } from './list-images.ts';
import { untilStopped } from './until-stopped.ts';

const FRESH = '--fresh';

async function main(args: readonly string[]): Promise<void> {
  const fresh = args.includes(FRESH);
  const names = args.filter((arg) => arg !== FRESH);
  if (names.length === 0) return listImages();
  const recipes = names.includes('all') ? RECIPES : names.map(findRecipe);
  await buildAll(recipes, { fresh, signal: untilStopped() });
  using engine = openEngine();
  for (const recipe of recipes) if ((await stateOf(engine, recipe)) === 'built') say(`${recipe.imageRef} is there`);
}

function findRecipe(name: string): Recipe {
  const recipe = RECIPES.find((each) => each.name === name || each.imageRef === name);
  if (recipe !== undefined) return recipe;
  throw new PrepareFailure(
    `No image is named "${name}"; there are ${RECIPES.map((each) => each.name).join(', ')}, and "all".`,
  );
}

speakAs('images');
try {
  await main(process.argv.slice(2));
} catch (error) {
  sayToolFailure(error);
  process.exitCode = 1;
}
