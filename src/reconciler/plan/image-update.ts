import { sql } from 'kysely';
import type { MachineImage, MachineSpec, Observation } from '../../engine/machine.ts';
import type { VmUpdate } from '../../vm/store/vm-change.ts';
import type { Vm } from '../../vm/vm.ts';

/** The columns of the VM's image to update after this container was observed; none if they are up to date. */
export function imageUpdate(
  { image, incarnation }: Pick<Vm, 'image' | 'incarnation'>,
  spec: Pick<MachineSpec, 'hash' | 'localImageRef' | 'imageRef'> | undefined,
  observed: Observation,
): VmUpdate {
  if (observed.image === undefined || spec === undefined) return {};
  const isWanted = observed.hash === spec.hash;
  if (image?.id === observed.image.id && (!isWanted || image.incarnation === incarnation)) return {};
  const { reference, id, digest = null } = observed.image;
  return {
    image_reference: reference,
    image_id: id,
    image_digest: digest,
    image_stand_in_for: standInFor(observed.image, spec),
    // After an undone restart the VM still waits for the current image, so the one it went back to is not kept.
    image_incarnation: isWanted ? incarnation : null,
    image_since: sql<Date>`now()`,
  };
}

/** Containers of older versions do not carry `standInFor`. */
function standInFor(
  image: MachineImage,
  { imageRef, localImageRef }: Pick<MachineSpec, 'imageRef' | 'localImageRef'>,
): string | null {
  return image.standInFor ?? (image.reference === localImageRef ? imageRef : null);
}

/** Clears the VM's image. */
export const NO_IMAGE = {
  image_reference: null,
  image_id: null,
  image_digest: null,
  image_stand_in_for: null,
  image_incarnation: null,
  image_since: null,
} as const satisfies VmUpdate;
