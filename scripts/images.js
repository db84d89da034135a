/**
 * Builds images where no registry has them: `npm run images -- NAME...|all [--fresh]`. Without a name it lists what there is.
 * Like prepare, it runs on what Node there is.
 */
import { RECIPES } from '../images/recipes.js';
import { buildAll } from './images/build-all.js';
import { stateOf } from './images/image-state.js';
import { listImages } from './images/list-images.js';
import { untilStopped } from './images/until-stopped.js';
import { PrepareFailure, say, speakAs } from './prepare/report.js';

const FRESH = '--fresh';

async function main(args) {
  const fresh = args.includes(FRESH);
  const names = args.filter((arg) => arg !== FRESH);
  if (names.length === 0) return listImages();
  const recipes = names.includes('all') ? RECIPES : names.map(findRecipe);
  await buildAll(recipes, { fresh, signal: untilStopped() });
  for (const recipe of recipes) if ((await stateOf(recipe)) === 'built') say(`${recipe.imageRef} is there`);
}

function findRecipe(name) {
  const recipe = RECIPES.find((each) => each.name === name || each.imageRef === name);
  if (recipe !== undefined) return recipe;
  throw new PrepareFailure(`No image is named "${name}"; there are ${RECIPES.map((each) => each.name).join(', ')}, and "all".`);
}

speakAs('images');
try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof PrepareFailure ? error.message : error.stack);
  process.exitCode = 1;
}
