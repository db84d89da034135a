/**
 * Builds images where no registry has them: `npm run images -- NAME...|all [--fresh]`. Without a name it lists what there is.
 * Like prepare, it runs on what Node there is, before anything is installed.
 */
import { RECIPES } from '../images/recipes.js';
import { ensureBase } from './images/base-image.js';
import { buildImage } from './images/build-image.js';
import { listImages, secondsFor, stateOf } from './images/list-images.js';
import { oneAtATime } from './prepare/one-at-a-time.js';
import { PrepareFailure, say, speakAs } from './prepare/report.js';

const FRESH = '--fresh';

async function main(args) {
  const fresh = args.includes(FRESH);
  const names = args.filter((arg) => arg !== FRESH);
  if (names.length === 0) return listImages();
  const recipes = names.includes('all') ? RECIPES : names.map(findRecipe);
  await oneAtATime(() => buildAll(recipes, fresh), 'images');
}

function findRecipe(name) {
  const recipe = RECIPES.find((each) => each.name === name || each.imageRef === name);
  if (recipe !== undefined) return recipe;
  throw new PrepareFailure(`No image is named "${name}"; there are ${RECIPES.map((each) => each.name).join(', ')}, and "all".`);
}

async function buildAll(recipes, fresh) {
  const states = await Promise.all(recipes.map(stateOf));
  const due = recipes.filter((_, at) => fresh || states[at] !== 'built');
  for (const recipe of recipes) if (!due.includes(recipe)) say(`${recipe.name}: ${recipe.imageRef} is there; "${FRESH}" builds it anew`);
  if (due.length === 0) return;
  say(`${due.length === 1 ? due[0].name : `${due.length} images`} to build, about ${await secondsFor(due)}`);
  const base = await ensureBase();
  for (const [at, recipe] of due.entries()) {
    await buildImage(recipe, { base, fresh, place: due.length > 1 ? `${at + 1} of ${due.length}: ` : '' });
  }
}

speakAs('images');
try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof PrepareFailure ? error.message : error.stack);
  process.exitCode = 1;
}
