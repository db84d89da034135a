import { askRegistry } from '../../src/engine/docker/images/ask-registry.ts';
import type { ToolEngine } from '../engine.ts';

/** Whether the engine can get the image from its registry, as the registry itself says within a few seconds. */
export async function isInRegistry(engine: ToolEngine, imageRef: string): Promise<boolean> {
  return (await askRegistry(engine, imageRef, new AbortController().signal)).digest !== undefined;
}
