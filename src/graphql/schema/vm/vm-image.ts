import { imageOf, localImageOf } from '../../../catalog/distribution.ts';
import { isOutdated } from '../../../vm/vm-image.ts';
import type { Vm } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';

/** A VM that has an image. */
type VmWithImage = Vm & { readonly image: NonNullable<Vm['image']> };

export const VmImage = builder.objectRef<VmWithImage>('VmImage').implement({
  description:
    'The container image that a VM runs. The first start uses the image that the catalog names at that time, and the ' +
    'VM keeps it: every later container is created from the same image. restartVm updates it to the present one, and ' +
    'pulls a newer version if the registry has one. If the engine has lost the image and cannot pull it by its ' +
    'digest, a start fails; no other image is used.',
  fields: (t) => ({
    reference: t.string({
      description: "The image reference: the catalog's, or that of its fallback.",
      resolve: ({ image }) => image.reference,
    }),
    digest: t.string({
      description: "`sha256:…`: the digest in its registry, or the engine's image id if it is in none.",
      resolve: ({ image }) => image.digest ?? image.id,
    }),
    isStandIn: t.boolean({
      description:
        "Whether it is the fallback image, because the registry of the catalog's image could not be reached.",
      resolve: ({ image }) => image.standInFor !== undefined,
    }),
    outdated: t.boolean({
      description:
        'Whether restartVm would give the VM another image, as far as the engine knows: the reference in the ' +
        'catalog now ' +
        "refers to another image, or the VM runs the fallback and the catalog's image is present. Checked " +
        'every 15 s, without a request to the registry.',
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
