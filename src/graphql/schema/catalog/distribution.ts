import {
  imageOf,
  localImageOf,
  passwordHint,
  type Distribution as DistributionEntry,
} from '../../../catalog/distribution.ts';
import { PASSWORD_KEY } from '../../../secrets/secret-store.ts';
import {
  IMAGE_AVAILABILITIES,
  imageAvailability,
  type ImageAvailability as Availability,
} from '../../../vm/problems/image-availability.ts';
import { builder } from '../builder.ts';
import { OPAQUE_ID, toGlobalId } from '../global-id.ts';
import { Node } from '../node.ts';
import { PortProtocol } from '../port-protocol.ts';

const DistributionKind = builder.enumType('DistributionKind', {
  description: 'The kind of a distribution.',
  values: {
    WEBTOP: { description: 'An operating system with a choice of desktops; `desktop` is required.' },
    PREMADE: { description: 'One app with its own interface; `desktop` is not allowed.' },
  } as const,
});

const ImageAvailability = builder.enumType('ImageAvailability', {
  description: 'How a new VM would get its image.',
  values: Object.fromEntries(
    Object.entries(IMAGE_AVAILABILITIES).map(([name, description]) => [name, { description }]),
  ) as Record<Availability, { description: string }>,
});

const PortRange = builder.objectRef<DistributionEntry['ports'][number]>('PortRange').implement({
  description: 'A range of ports inside the container, inclusive.',
  fields: (t) => ({
    from: t.exposeInt('from', { description: 'The first port.' }),
    to: t.exposeInt('to', { description: 'The last port.' }),
    protocol: t.field({ type: PortProtocol, description: 'The protocol.', resolve: ({ protocol }) => protocol }),
  }),
});

interface ImageChoice {
  readonly desktop: string | null;
  readonly ref: string;
  readonly standIn: string | null;
}

const DistributionImage = builder.objectRef<ImageChoice>('DistributionImage').implement({
  description: 'A container image.',
  fields: (t) => ({
    desktop: t.exposeString('desktop', { nullable: true, description: 'The desktop; null for an app.' }),
    ref: t.exposeString('ref', { description: 'The image reference.' }),
    standIn: t.exposeString('standIn', {
      nullable: true,
      description:
        'The fallback image for engines that cannot reach the registry; the operator builds it with `npm run images ' +
        '-- REF`. Null if there is none.',
    }),
  }),
});

const VmSize = builder.objectRef<DistributionEntry['minimum']>('VmSize').implement({
  description: 'The resources of a VM.',
  fields: (t) => ({
    cpu: t.exposeInt('cpu', { description: 'vCPU cores.' }),
    ram: t.exposeInt('ram', { description: 'GB of memory.' }),
  }),
});

const SignInHint = builder.objectRef<{ readonly user: string | null }>('SignInHint').implement({
  description: 'What the sign-in of an app asks for.',
  fields: (t) => ({
    user: t.exposeString('user', { nullable: true, description: 'The name to enter; null if it asks for none.' }),
    passwordIs: t.string({ description: 'The secret that has the password.', resolve: () => PASSWORD_KEY }),
  }),
});

const Distribution = builder.objectRef<DistributionEntry>('Distribution').implement({
  description: 'A catalog entry that a VM can run.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: OPAQUE_ID, resolve: ({ code }) => toGlobalId('Distribution', code) }),
    code: t.exposeString('code', { description: 'The value of `distribution` in createVm.' }),
    name: t.exposeString('name', { description: 'The display name.' }),
    description: t.exposeString('description', { description: 'One or two sentences; may be empty.' }),
    kind: t.field({ type: DistributionKind, description: 'A webtop or a single app.', resolve: ({ kind }) => kind }),
    desktops: t.stringList({
      description: 'The values of `desktop` in createVm; empty if it has none.',
      resolve: ({ desktops }) => [...desktops],
    }),
    defaultPort: t.exposeInt('defaultPort', {
      description: "The port of the app inside the container, which the VM's own address leads to.",
    }),
    image: t.string({
      description:
        'The image reference; for a webtop, that of its first desktop. `images` lists all, with their fallbacks.',
      resolve: ({ image, images }) => image ?? Object.values(images)[0] ?? '',
    }),
    images: t.field({
      type: [DistributionImage],
      description: 'The image of each desktop, or of the app.',
      resolve: imagesOf,
    }),
    availability: t.field({
      type: ImageAvailability,
      description:
        'How a VM in this region would get its image, as far as is known. Reading it does not call the engine.',
      args: {
        region: t.arg.string({ description: 'The code of the region.' }),
        desktop: t.arg.string({ required: false, description: 'One of `desktops`; by default the first.' }),
      },
      resolve(distribution, { region, desktop }, { catalog, factsOf }) {
        const chosen = desktop ?? distribution.desktops[0] ?? null;
        const imageRef = imageOf(distribution, chosen);
        if (imageRef === undefined || !catalog.regions.has(region)) return 'UNAVAILABLE' as const;
        return imageAvailability({ imageRef, localImageRef: localImageOf(distribution, chosen) }, factsOf(region));
      },
    }),
    ports: t.field({
      type: [PortRange],
      description: 'Its ports for other protocols than HTTP, which addPort can forward.',
      resolve: ({ ports }) => [...ports],
    }),
    category: t.exposeString('category', { description: 'A heading for catalogs: "Desktops", "Graphics".' }),
    icon: t.string({
      nullable: true,
      description: 'A picture as a data: URL; null if it has none.',
      resolve: ({ icon }) => icon ?? null,
    }),
    homepage: t.string({
      nullable: true,
      description: "The app's own page on the web, or null.",
      resolve: ({ homepage }) => homepage ?? null,
    }),
    sizeMb: t.int({
      nullable: true,
      description: 'MB that the download of its image takes; null if that is not known.',
      resolve: ({ sizeMb }) => sizeMb ?? null,
    }),
    minimum: t.field({ type: VmSize, description: 'What it needs at least.', resolve: ({ minimum }) => minimum }),
    recommended: t.field({
      type: VmSize,
      description: 'What it works well with.',
      resolve: ({ recommended }) => recommended,
    }),
    keeps: t.stringList({
      description:
        'The folders inside the container that outlive it. The first follows the `storageType` of the VM, others stay ' +
        'until the VM is deleted.',
      resolve: ({ volumes }) => volumes.map(({ path }) => path),
    }),
    signIn: t.field({
      type: SignInHint,
      nullable: true,
      description: 'Who signs in to the app itself; null if it asks for no password.',
      resolve: (distribution) => passwordHint(distribution) ?? null,
    }),
    portForwarding: t.exposeBoolean('portForwarding', {
      description: 'Whether addPort can forward any other port, too.',
    }),
    deprecated: t.exposeString('deprecated', {
      nullable: true,
      description: 'Why it is deprecated and what to use instead; null if it is not.',
    }),
  }),
});

builder.queryField('distributions', (t) =>
  t.field({
    type: [Distribution],
    description: 'The catalog of everything that a VM can run.',
    resolve: (_root, _args, { catalog }) => [...catalog.distributions.values()],
  }),
);

function imagesOf(distribution: DistributionEntry): ImageChoice[] {
  const desktops = distribution.kind === 'WEBTOP' ? distribution.desktops : [null];
  return desktops.map((desktop) => ({
    desktop,
    ref: imageOf(distribution, desktop) ?? '',
    standIn: localImageOf(distribution, desktop) ?? null,
  }));
}
