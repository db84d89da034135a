import { startViolations } from '../../../vm/limits.ts';
import { startProblems } from '../../../vm/problems/start-problems.ts';
import { vmUrl } from '../../../vm/networking/mapping.ts';
import type { Vm as VmModel } from '../../../vm/vm.ts';
import { isBooting, type VmStatus as Status } from '../../../vm/vm-status.ts';
import { builder } from '../builder.ts';
import { Node } from '../node.ts';
import { QuotaViolation } from '../account/quota.ts';
import { StartProblem } from './start-problem.ts';
import { unknownProgress, VmBoot, VmProgress } from './vm-boot.ts';
import { VmFailure } from './vm-failure.ts';
import { hasImage, VmImage } from './vm-image.ts';
import { VmStatus } from './vm-status.ts';

const VmOs = builder.objectRef<VmModel>('VmOs').implement({
  description: 'What the VM runs.',
  fields: (t) => ({
    distribution: t.exposeString('distribution', { description: 'The code of a catalog entry.' }),
    desktop: t.exposeString('desktop', { nullable: true, description: 'The desktop; null for a single app.' }),
  }),
});

const VmSpecs = builder.objectRef<{ cpu: number; ram: number; storage: boolean }>('VmSpecs').implement({
  description: 'The resources of the VM.',
  fields: (t) => ({
    cpu: t.exposeInt('cpu', { description: 'vCPU cores.' }),
    ram: t.exposeInt('ram', { description: 'GB of memory.' }),
    storage: t.exposeBoolean('storage', { description: 'Whether its primary volume is kept when it stops.' }),
  }),
});

const StorageEnforcement = builder.enumType('StorageEnforcement', {
  description: 'How the size of storage is enforced.',
  values: {
    HARD: { description: 'Writes above the limit fail with "no space left on device". Other VMs are not affected.' },
    MEASURED: {
      description: 'Usage is measured about every minute. Starts are refused while the account exceeds its plan.',
    },
  } as const satisfies Record<NonNullable<VmModel['storageEnforcement']>, object>,
});

export const Vm = builder.objectRef<VmModel>('Vm').implement({
  description: 'A browser desktop or app: at most one container with its volumes.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.exposeID('id', { description: 'A UUID, the same as in the REST API; also its global id.' }),
    userId: t.exposeID('userId', { description: 'The account that owns it.' }),
    vmlabel: t.exposeString('vmlabel', { description: 'A label, which need not be unique.' }),
    region: t.exposeString('region', { description: 'The code of its region.' }),
    os: t.field({ type: VmOs, description: 'What it runs.', resolve: (vm) => vm }),
    image: t.field({
      type: VmImage,
      nullable: true,
      description: 'The image that it runs; null before its first boot, and after a stop if it has no volumes left.',
      resolve: (vm) => (hasImage(vm) ? vm : null),
    }),
    specs: t.field({
      type: VmSpecs,
      description: 'Its resources.',
      // Under the names of the fields: those without a resolver cost a list a fraction of the others.
      resolve: ({ cpu, ramGb, persistent }) => ({ cpu, ram: ramGb, storage: persistent }),
    }),
    enabled: t.exposeBoolean('enabled', { description: 'The desired state: true as soon as a start is accepted.' }),
    status: t.field({ type: VmStatus, description: 'The observed state.', resolve: ({ status }): Status => status }),
    observedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the engine last confirmed the status; null if it never has.',
      resolve: ({ observedAt }) => observedAt,
    }),
    progress: t.field({
      type: VmProgress,
      nullable: true,
      description: 'The progress while QUEUED, PULLING, STARTING or BOOTING; otherwise null.',
      resolve: ({ id, status }, _args, { bootProgress }) =>
        isBooting(status) ? (bootProgress.find(id, status) ?? unknownProgress(status)) : null,
    }),
    boot: t.field({
      type: VmBoot,
      nullable: true,
      description: 'Its last boot, which stays available afterwards; null before its first start.',
      resolve: ({ boot }) => boot,
    }),
    lastFailure: t.field({
      type: VmFailure,
      nullable: true,
      description:
        'Why the last attempt failed, and when; while the status is UNKNOWN, why it is. Null if none has failed ' +
        'since a user last started it. It is not taken back when a later attempt succeeds: `status` says what is.',
      resolve: ({ lastFailure }) => lastFailure,
    }),
    changeUndone: t.boolean({
      description:
        'Whether the VM runs without its latest changes (secrets, ports, a restart), because the new container did ' +
        'not come up; `lastFailure` has the reason. The changes are applied with the next change, restart or start.',
      resolve: ({ undoneHash }) => undoneHash !== null,
    }),
    url: t.string({
      description: "The app's address: `https://{id}.{domain}`. Private: browsers need a link of openVm.",
      resolve: ({ id }, _args, { address }) => vmUrl(address, id),
    }),
    startViolations: t.field({
      type: [QuotaViolation],
      description: 'Why startVm would be refused now. Empty if it would not, and while the VM is enabled.',
      resolve: async (vm, _args, { loaders }) => {
        if (vm.enabled) return [];
        const { plan, usage } = await loaders.account();
        return startViolations(plan, usage, vm);
      },
    }),
    startProblems: t.field({
      type: [StartProblem],
      description:
        'Why a start would not succeed now: `startViolations`, and known problems of the engine, the image and the ' +
        'devices that the VM needs. Empty if none are known, and while the VM is RUNNING or DEGRADED. Refreshed ' +
        'every 15 s, for registries and devices less often; reading it does not call the engine. startVm refuses a ' +
        'start only for QUOTA_EXCEEDED, ACCOUNT_SUSPENDED and REGION_DRAINED, because the other problems may pass.',
      resolve: async (vm, _args, { loaders, catalog, factsOf, findDrain }) => {
        if (vm.status === 'RUNNING' || vm.status === 'DEGRADED') return [];
        const { plan, usage, suspension } = vm.enabled ? {} : await loaders.account();
        const violations = plan === undefined || usage === undefined ? [] : startViolations(plan, usage, vm);
        return startProblems(vm, {
          distribution: catalog.distributions.get(vm.distribution),
          facts: factsOf(vm.region),
          violations,
          suspension,
          drain: vm.enabled ? undefined : findDrain(vm.region),
        });
      },
    }),
    storageGb: t.int({
      nullable: true,
      description:
        "The size limit in GB of each volume that is kept when it stops: its plan's storage at its creation, " +
        'or more after a start with a larger plan. Null without such volumes.',
      resolve: ({ persistent, storageEnforcement, storageGb }) =>
        persistent || storageEnforcement !== null ? storageGb : null,
    }),
    storageEnforcement: t.field({
      type: StorageEnforcement,
      nullable: true,
      description: 'How that size is enforced; null without such volumes, and before they are created.',
      resolve: ({ storageEnforcement }) => storageEnforcement,
    }),
    scratchUsedGb: t.float({
      nullable: true,
      description:
        'GB that its container holds outside those volumes, where each file counts at least 16 KB, refreshed about ' +
        'every minute. Null without a container.',
      resolve: ({ engineRef, scratchBytes }) => (engineRef === null ? null : scratchBytes / 2 ** 30),
    }),
    scratchLimitGb: t.float({
      nullable: true,
      description:
        'The most that it may be: a VM that holds more fails with DISK_LIMIT. Null if the catalog ' +
        'no longer has its entry.',
      resolve: ({ distribution }, _args, { catalog }) => catalog.distributions.get(distribution)?.scratchGb ?? null,
    }),
    storageUsedGb: t.float({
      description: 'GB measured on its volumes that are kept when it stops, refreshed about every minute.',
      resolve: ({ storageBytes }) => storageBytes / 2 ** 30,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was created.',
      resolve: ({ createdAt }) => createdAt,
    }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the app first answered after the last start; null while it is off.',
      resolve: ({ startedAt }) => startedAt,
    }),
    lastEventSeq: t.string({
      description: 'A cursor: with `vmEvents(after:)`, it continues from this state.',
      resolve: ({ lastEventSeq }) => String(lastEventSeq),
    }),
  }),
});
