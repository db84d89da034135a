import { digestOf } from './build-context.js';
import { findImage } from './engine-call.js';

/** 'built', 'outdated' when its recipe has changed since, or 'missing'. */
export async function stateOf(recipe) {
  const image = await findImage(recipe.imageRef);
  if (image === undefined) return 'missing';
  return image.recipe === digestOf(recipe) ? 'built' : 'outdated';
}
