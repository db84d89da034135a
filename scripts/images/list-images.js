import { BASE, RECIPES } from '../../images/recipes.js';
import { hasBase } from './base-image.js';
import { digestOf } from './build-context.js';
import { findImage } from './engine-call.js';

/** 'built', 'outdated' when its recipe has changed since, or 'missing'. */
export async function stateOf(recipe) {
  const image = await findImage(recipe.imageRef);
  if (image === undefined) return 'missing';
  return image.recipe === digestOf(recipe) ? 'built' : 'outdated';
}

/** How long building these takes, for a person. */
export async function secondsFor(recipes) {
  return toDuration(secondsOf(recipes) + (recipes.length > 0 && !(await hasBase()) ? BASE.seconds : 0));
}

/** Prints what can be built, what is, and how long the rest takes. */
export async function listImages() {
  const rows = [];
  for (const recipe of RECIPES) rows.push({ recipe, state: await stateOf(recipe), image: await findImage(recipe.imageRef) });
  for (const { recipe, state, image } of rows) {
    const size = `${image?.megabytes ?? `about ${recipe.megabytes}`} MB`;
    const told = { built: 'built', outdated: 'built from an older recipe', missing: `not built, about ${toDuration(secondsOf([recipe]))}` };
    console.log([recipe.name.padEnd(20), recipe.imageRef.padEnd(26), size.padEnd(14), told[state]].join('  '));
  }
  const due = rows.filter(({ state }) => state !== 'built').map(({ recipe }) => recipe);
  console.log(due.length === 0 ? '\nAll are built.' : `\nThe rest takes about ${await secondsFor(due)}: npm run images -- all`);
}

/** What several have in common is built once. */
function secondsOf(recipes) {
  const shared = new Map();
  let own = 0;
  for (const { files, seconds } of recipes) {
    const [first, ...rest] = seconds;
    shared.set(files[0][0], first);
    own += rest.reduce((sum, each) => sum + each, 0);
  }
  return own + [...shared.values()].reduce((sum, each) => sum + each, 0);
}

function toDuration(seconds) {
  return seconds < 100 ? `${Math.round(seconds / 10) * 10} s` : `${Math.round(seconds / 60)} min`;
}
