import { RECIPES, type Recipe } from '../../images/recipes.ts';
import type { ToolEngine } from '../engine.ts';
import { DESKTOP } from './desktop-offer.ts';
import { stateOf } from './image-state.ts';

/** The recipe of the desktop, in a list. */
export function desktopRecipes(): readonly Recipe[] {
  return RECIPES.filter(({ imageRef }) => imageRef === DESKTOP.imageRef);
}

/** As `stateOf`; 'unknown' if the engine does not say. */
export async function stateOfDesktop(engine: ToolEngine): Promise<string> {
  const [recipe] = desktopRecipes();
  return recipe === undefined ? 'unknown' : stateOf(engine, recipe).catch(() => 'unknown');
}
