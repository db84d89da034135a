import type { Recipe } from '../../images/recipes.ts';
import { findImage, type FoundImage } from '../../src/engine/docker/images/find-image.ts';
import type { ToolEngine } from '../engine.ts';
import { digestOf } from './context/build-context.ts';

/** On each image that is built here: the digest of what it was built from. */
export const RECIPE_LABEL = 'io.swiftor.recipe';

export type ImageState = 'built' | 'outdated' | 'missing';

/** The engine's image of that reference; undefined when it has none. */
export function findOnEngine(engine: ToolEngine, imageRef: string): Promise<FoundImage | undefined> {
  return findImage(engine, imageRef, new AbortController().signal);
}

/** 'built', 'outdated' when its recipe has changed since, or 'missing'. */
export async function stateOf(engine: ToolEngine, recipe: Recipe): Promise<ImageState> {
  const image = await findOnEngine(engine, recipe.imageRef);
  if (image === undefined) return 'missing';
  return image.labels[RECIPE_LABEL] === digestOf(recipe) ? 'built' : 'outdated';
}
