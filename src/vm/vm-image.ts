import type { MachineImage } from '../engine/machine.ts';
import type { KnownImages } from './engine-facts.ts';
import type { Vm, VmImage } from './vm.ts';

/**
 * The image for the VM's next container; undefined when the VM takes the current image of its catalog entry.
 *
 * A VM takes the current image at its first start and keeps it, by digest. A new container is created from the same
 * image, whether after a crash, a new secret or port, a container that the engine lost, an edited catalog, or a stop.
 * Only a restart by the owner takes the current image again. A VM whose stop leaves no volume loses its image with it.
 */
export function keptImage({ image, incarnation }: Pick<Vm, 'image' | 'incarnation'>): VmImage | undefined {
  return image?.incarnation === incarnation ? image : undefined;
}

/** Whether the VM's owner asked for a new image. The engine then asks the registry for it. */
export function isImageDue({ image, incarnation }: Pick<Vm, 'image' | 'incarnation'>): boolean {
  return image !== null && image.incarnation !== incarnation;
}

/** Whether the VM keeps its image over a stop: it has a volume that outlives it, with data of that image. */
export function outlivesStop({
  persistent,
  storageEnforcement,
}: Pick<Vm, 'persistent' | 'storageEnforcement'>): boolean {
  return persistent || storageEnforcement !== null;
}

/** The catalog's reference for the image, also when it is a stand-in. */
export function orderedReference({ reference, standInFor }: MachineImage): string {
  return standInFor ?? reference;
}

/** What the catalog offers a VM. */
export interface OfferedImage {
  readonly imageRef: string;
  readonly localImageRef?: string | undefined;
}

/**
 * Whether a restart would give the VM another image, as far as its engine knows: the catalog's reference names another
 * image there, or the VM has a stand-in and the real image is there. Only a restart asks the registry.
 */
export function isOutdated(
  image: VmImage,
  { imageRef, localImageRef }: OfferedImage,
  images: KnownImages | undefined,
): boolean {
  // A list from before the VM took its image may lack it.
  if (images === undefined || images.at <= image.since) return false;
  const isStandIn = image.standInFor !== undefined;
  const standIn = isStandIn && localImageRef !== undefined ? images.find(localImageRef) : undefined;
  const next = images.find(imageRef) ?? standIn;
  if (next === undefined) return orderedReference(image) !== imageRef;
  return next.id !== image.id && (next.digest === undefined || next.digest !== image.digest);
}
