import { imageOf, localImageOf } from '../../../catalog/distribution.ts';
import { isOutdated } from '../../../vm/vm-image.ts';
import type { Vm } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';

/** A VM that has one. */
type VmWithImage = Vm & { readonly image: NonNullable<Vm['image']> };

export const VmImage = builder.objectRef<VmWithImage>('VmImage').implement({
  description:
    'The container image that a VM runs. It is taken at the first start, the one that the catalog names then, and ' +
    'kept: whatever replaces the container (a crash, a secret, a port) makes the new one from the same image, and so ' +
    'does a start after a stop. restartVm takes the present one again, a newer one if its registry has one. Where the ' +
    'kept image is not on the engine any more and cannot be pulled by its digest, a start fails: no other is taken.',
  fields: (t) => ({
    reference: t.string({
      description: "The reference that it was taken by: the catalog's, or that of its stand-in.",
      resolve: ({ image }) => image.reference,
    }),
    digest: t.string({
      description: "`sha256:…`: the digest that its registry knows it by; the engine's own id of an image that is in no registry.",
      resolve: ({ image }) => image.digest ?? image.id,
    }),
    isStandIn: t.boolean({
      description: "Whether it was built on the engine, since the registry of the catalog's image could not be reached.",
      resolve: ({ image }) => image.standInFor !== undefined,
    }),
    outdated: t.boolean({
      description:
        "Whether restartVm would give the VM another image, as far as the engine knows: the catalog's reference stands " +
        "for another one by now, or the VM has a stand-in and the catalog's image is there. Looked at every 15 s; no " +
        'registry is asked.',
      resolve: ({ image, region, distribution, desktop }, _args, { catalog, factsOf }) => {
        const entry = catalog.distributions.get(distribution);
        const imageRef = entry && imageOf(entry, desktop);
        if (entry === undefined || imageRef === undefined) return false;
        return isOutdated(image, { imageRef, localImageRef: localImageOf(entry, desktop) }, factsOf(region).images);
      },
    }),
  }),
});

export function hasImage(vm: Vm): vm is VmWithImage {
  return vm.image !== null;
}
