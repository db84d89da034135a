import type { Region as RegionEntry } from '../../catalog/catalog.ts';
import { imageOf, localImageOf, type Distribution as DistributionEntry } from '../../catalog/distribution.ts';
import type { Plan as PlanEntry } from '../../catalog/plan.ts';
import { builder } from './builder.ts';
import { PortProtocol } from './port-protocol.ts';

const DistributionKind = builder.enumType('DistributionKind', {
  description: 'What a distribution is.',
  values: {
    WEBTOP: { description: 'An operating system with a choice of desktops: `os.desktop` is required.' },
    PREMADE: { description: 'One app with its own interface: `os.desktop` is not taken.' },
  } as const,
});

const PortRange = builder.objectRef<DistributionEntry['ports'][number]>('PortRange').implement({
  description: 'Ports inside the container, both ends included.',
  fields: (t) => ({
    from: t.exposeInt('from', { description: 'The first.' }),
    to: t.exposeInt('to', { description: 'The last.' }),
    protocol: t.field({ type: PortProtocol, description: 'What they carry.', resolve: ({ protocol }) => protocol }),
  }),
});

interface ImageChoice {
  readonly desktop: string | null;
  readonly ref: string;
  readonly standIn: string | null;
}

const DistributionImage = builder.objectRef<ImageChoice>('DistributionImage').implement({
  description: 'The container image that a VM runs.',
  fields: (t) => ({
    desktop: t.exposeString('desktop', { nullable: true, description: 'With which desktop; null for an app.' }),
    ref: t.exposeString('ref', { description: 'The reference that its registry is asked for.' }),
    standIn: t.exposeString('standIn', {
      nullable: true,
      description:
        'The image that runs where that registry cannot be reached; the operator builds it with `npm run images -- REF`. ' +
        'Null: there is no recipe, it needs a registry.',
    }),
  }),
});

const Distribution = builder.objectRef<DistributionEntry>('Distribution').implement({
  description: 'A catalog entry: what a VM can run.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'What createVm takes as `distribution`.' }),
    name: t.exposeString('name', { description: 'For people.' }),
    description: t.exposeString('description', { description: 'One or two sentences for people; may be empty.' }),
    kind: t.field({ type: DistributionKind, description: 'With desktops to choose from, or one app.', resolve: ({ kind }) => kind }),
    desktops: t.stringList({
      description: 'What createVm takes as `desktop`; empty: it takes none.',
      resolve: ({ desktops }) => [...desktops],
    }),
    defaultPort: t.exposeInt('defaultPort', { description: "The port inside the container that the VM's own address leads to." }),
    image: t.string({
      description: 'The image reference; for a webtop that of its first desktop. `images` has all, and what stands in for them.',
      resolve: ({ image, images }) => image ?? Object.values(images)[0] ?? '',
    }),
    images: t.field({ type: [DistributionImage], description: 'The image of each desktop, or the one of an app.', resolve: imagesOf }),
    ports: t.field({
      type: [PortRange],
      description: 'What it listens on that is no HTTP: addPort takes these.',
      resolve: ({ ports }) => [...ports],
    }),
    portForwarding: t.exposeBoolean('portForwarding', { description: 'Whether addPort takes any other port too.' }),
    deprecated: t.exposeString('deprecated', {
      nullable: true,
      description: 'Why not to build on it any more and what to use instead; null while it is maintained.',
    }),
  }),
});

const Region = builder.objectRef<RegionEntry>('Region').implement({
  description: 'A place where VMs run: a code that leads to an engine.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'What createVm takes as `region`: "AU".' }),
    name: t.exposeString('name', { description: 'For people.' }),
    available: t.boolean({
      description:
        'Whether VMs can start there now: its engine answers and keeps VMs apart. Starts are accepted either way, and happen when it does.',
      resolve: ({ code }, _args, { isRegionAvailable }) => isRegionAvailable(code),
    }),
  }),
});

/** Shared with Account. */
export const Plan = builder.objectRef<PlanEntry>('Plan').implement({
  description: 'Limits, checked when a VM is started, but for `vms`: sums over the account, not per VM.',
  fields: (t) => ({
    code: t.exposeString('code', { description: "What a token's `app_metadata.plan` names." }),
    name: t.exposeString('name', { description: 'For people.' }),
    cpu: t.exposeInt('cpu', { description: 'vCPU cores over all enabled VMs.' }),
    ram: t.exposeInt('ram', { description: 'GB of memory over all enabled VMs.' }),
    storageGb: t.exposeInt('storageGb', { description: 'GB over all persistent volumes.' }),
    concurrentVms: t.exposeInt('concurrentVms', { description: 'VMs that may be enabled at the same time.' }),
    vms: t.exposeInt('vms', { description: 'VMs that there may be, on or off; checked when one is created.' }),
  }),
});

builder.queryFields((t) => ({
  distributions: t.field({
    type: [Distribution],
    description: 'The catalog: everything a VM can run.',
    resolve: (_root, _args, { catalog }) => [...catalog.distributions.values()],
  }),
  regions: t.field({
    type: [Region],
    description: 'Where VMs can run.',
    resolve: (_root, _args, { catalog }) => [...catalog.regions.values()],
  }),
  plans: t.field({
    type: [Plan],
    description: 'What can be subscribed to.',
    resolve: (_root, _args, { catalog }) => [...catalog.plans.values()],
  }),
}));

function imagesOf(distribution: DistributionEntry): ImageChoice[] {
  const desktops = distribution.kind === 'WEBTOP' ? distribution.desktops : [null];
  return desktops.map((desktop) => ({
    desktop,
    ref: imageOf(distribution, desktop) ?? '',
    standIn: localImageOf(distribution, desktop) ?? null,
  }));
}
