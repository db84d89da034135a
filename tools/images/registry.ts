import { askRegistry } from '../../src/engine/docker/images/ask-registry.ts';
import type { ToolEngine } from '../engine.ts';

/** Whether the engine can get the image from its registry, as the registry itself says within a few seconds. */
export async function isInRegistry({ docker }: ToolEngine, imageRef: string): Promise<boolean> {
  return (await askRegistry(docker, imageRef, new AbortController().signal)).digest !== undefined;
}
