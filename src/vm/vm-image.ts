import type { MachineImage } from '../engine/machine.ts';
import type { KnownImages } from './engine-facts.ts';
import type { Vm, VmImage } from './vm.ts';

/**
 * The image that the VM's next container is made from; undefined when that is the present one of the catalog's entry.
 *
 * A VM takes the present image at its first start, and keeps it, by digest: whatever replaces its container (a crash, a
 * secret, a port, an engine that lost it, an edited catalog) makes the new one from the same image, and so does a start
 * after a stop. Only its owner's restart, of a VM that is on or off, takes the present one again. A VM whose stop
 * leaves no volume forgets its image with the rest.
 */
export function keptImage({ image, incarnation }: Pick<Vm, 'image' | 'incarnation'>): VmImage | undefined {
  return image?.incarnation === incarnation ? image : undefined;
}

/** Whether the VM's owner asked for another image than it has: its registry is then asked for a newer one. */
export function isImageDue({ image, incarnation }: Pick<Vm, 'image' | 'incarnation'>): boolean {
  return image !== null && image.incarnation !== incarnation;
}

/** Whether the VM keeps its image over a stop: it has a volume that does, and what is in it was made by that image. */
export function outlivesStop({ persistent, storageEnforcement }: Pick<Vm, 'persistent' | 'storageEnforcement'>): boolean {
  return persistent || storageEnforcement !== null;
}

/** The catalog's reference that the image was taken for. */
export function orderedReference({ reference, standInFor }: MachineImage): string {
  return standInFor ?? reference;
}

/** The catalog's choice for a VM. */
export interface OfferedImage {
  readonly imageRef: string;
  readonly localImageRef?: string | undefined;
}

/**
 * Whether a restart would give the VM another image than it has, as far as its engine knows: the catalog's reference
 * stands for another one there by now, or the VM has a stand-in and the catalog's own image is there. Whether a
 * registry has a newer one is only learned at a restart.
 */
export function isOutdated(image: VmImage, { imageRef, localImageRef }: OfferedImage, images: KnownImages | undefined): boolean {
  // Listed before the VM took its image, which may have been pulled in between.
  if (images === undefined || images.at <= image.since) return false;
  const isStandIn = image.standInFor !== undefined;
  const standIn = isStandIn && localImageRef !== undefined ? images.find(localImageRef) : undefined;
  const next = images.find(imageRef) ?? standIn;
  if (next === undefined) return orderedReference(image) !== imageRef;
  return next.id !== image.id && (next.digest === undefined || next.digest !== image.digest);
}
