import { isLocalReference, registryOf } from '../../engine/image-reference.ts';
import type { EngineFacts } from '../engine-facts.ts';
import type { StartProblem } from './start-problem.ts';
import type { VmImage } from '../vm.ts';

export interface ImageChoice {
  readonly imageRef: string;
  readonly localImageRef: string | undefined;
}

/**
 * Whether the stand-in would run: it exists or is being built, and the image that it stands in for cannot be pulled.
 */
export function wouldUseStandIn(
  { imageRef, localImageRef }: ImageChoice,
  { images, building, unreachedRegistries }: EngineFacts,
): boolean {
  if (
    localImageRef === undefined ||
    images?.find(imageRef) !== undefined ||
    !unreachedRegistries.has(registryOf(imageRef))
  )
    return false;
  return images?.find(localImageRef) !== undefined || building.has(localImageRef);
}

/** Why a VM that has no image yet would not get one. */
export function choiceProblem(choice: ImageChoice, facts: EngineFacts): StartProblem[] {
  const { imageRef, localImageRef } = choice;
  const { images, building, unreachedRegistries } = facts;
  if (images === undefined || images.find(imageRef) !== undefined) return [];
  if (isLocalReference(imageRef)) {
    if (building.has(imageRef)) return [];
    return [
      {
        code: 'IMAGE_NOT_FOUND',
        message: `The image "${imageRef}" was not built on the engine yet.`,
        action: buildAction(imageRef),
      },
    ];
  }
  const registry = registryOf(imageRef);
  if (!unreachedRegistries.has(registry) || wouldUseStandIn(choice, facts)) return [];
  const message = `The registry ${registry} of the image "${imageRef}" cannot be reached from the engine`;
  if (localImageRef !== undefined) {
    return [
      {
        code: 'PULL_FAILED',
        message: `${message}, and its stand-in is not built there.`,
        action: buildAction(localImageRef),
      },
    ];
  }
  const action =
    'Choose a distribution that has a stand-in, or ask the operator to give the engine access to the registry.';
  return [
    { code: 'PULL_FAILED', message: `${message}, and there is no recipe that builds it without a registry.`, action },
  ];
}

function buildAction(localImageRef: string): string {
  return `The operator can build it: npm run images -- ${localImageRef}`;
}

const RESTART_ACTION = 'Restart the VM: it then takes the image that the catalog names now.';

/** Why a VM would not get the image that it keeps. */
export function keptProblem(
  { reference, id, digest, standInFor }: VmImage,
  { images, unreachedRegistries }: EngineFacts,
): StartProblem[] {
  if (images === undefined || images.has({ id, ...(digest !== undefined && { digest }) })) return [];
  const what = `The image that the VM runs, "${reference}", is not on its engine any more`;
  const isInRegistry = digest !== undefined && standInFor === undefined && !isLocalReference(reference);
  if (!isInRegistry)
    return [{ code: 'IMAGE_NOT_FOUND', message: `${what}, and is in no registry.`, action: RESTART_ACTION }];
  const registry = registryOf(reference);
  if (!unreachedRegistries.has(registry)) return [];
  return [
    {
      code: 'PULL_FAILED',
      message: `${what}, and the registry ${registry} cannot be reached from it.`,
      action: RESTART_ACTION,
    },
  ];
}
