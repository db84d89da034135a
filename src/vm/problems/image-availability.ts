import { isLocalReference, registryOf } from '../../engine/image-reference.ts';
import type { EngineFacts } from '../engine-facts.ts';
import type { ImageChoice } from './image-problems.ts';

/** How a new VM would get its image. */
export const IMAGE_AVAILABILITIES = {
  READY: 'The engine has it: a VM starts within seconds.',
  DOWNLOAD: 'Its registry answers: it is downloaded at the first start.',
  BUILDABLE: 'Its registry cannot be reached; the operator can build a fallback image, or one is being built.',
  UNAVAILABLE: 'Its registry cannot be reached, and there is no fallback image; or the engine does not answer.',
  UNKNOWN: 'Not known yet: the engine or the registry is being asked.',
} as const;
export type ImageAvailability = keyof typeof IMAGE_AVAILABILITIES;

/** By what is known of the engine, without a call to it. Pure. */
export function imageAvailability({ imageRef, localImageRef }: ImageChoice, facts: EngineFacts): ImageAvailability {
  const { images, building, askedRegistries, unreachedRegistries, problem } = facts;
  if (problem === 'ENGINE_UNREACHABLE') return 'UNAVAILABLE';
  if (images === undefined) return 'UNKNOWN';
  if (images.find(imageRef) !== undefined) return 'READY';
  if (isLocalReference(imageRef)) return building.has(imageRef) ? 'BUILDABLE' : 'UNAVAILABLE';
  if (!askedRegistries.has(registryOf(imageRef))) return 'UNKNOWN';
  if (!unreachedRegistries.has(registryOf(imageRef))) return 'DOWNLOAD';
  if (localImageRef === undefined) return 'UNAVAILABLE';
  return images.find(localImageRef) === undefined ? 'BUILDABLE' : 'READY';
}
