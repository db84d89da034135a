import type { VmProgress as Progress } from '../../../events/vm-event.ts';
import { FAILURE_CODES } from '../../../vm/failure-code.ts';
import { startViolations } from '../../../vm/limits.ts';
import { startProblems } from '../../../vm/start-problems.ts';
import { vmUrl } from '../../../vm/networking/mapping.ts';
import type { BootStep, VmBoot as Boot } from '../../../vm/vm-boot.ts';
import type { Vm as VmModel, VmFailure as Failure } from '../../../vm/vm.ts';
import { isBooting, toVmStatus, type VM_STATUSES, type VmStatus as Status } from '../../../vm/vm-status.ts';
import { builder } from '../builder.ts';
import { Node } from '../node.ts';
import { QuotaViolation } from '../quota.ts';
import { StartProblem } from './start-problem.ts';
import { hasImage, VmImage } from './vm-image.ts';

const statusDescriptions = {
  STOPPED: { description: 'Off; nothing runs.' },
  QUEUED: { description: 'Accepted, waiting for a place.' },
  PULLING: { description: 'Its image is being downloaded; see `progress`.' },
  STARTING: { description: 'Its container is being created and started.' },
  BOOTING: { description: "Its container runs, the app's port does not answer yet." },
  RUNNING: { description: 'The app answers: a person who opens the URL now sees it.' },
  DEGRADED: { description: 'It was RUNNING, and the app stopped answering.' },
  STOPPING: { description: 'It is being turned off.' },
  FAILED: { description: 'See `lastFailure`. It can be started again, and deleted.' },
  DELETING: { description: 'It and all it has are being removed.' },
  DELETED: { description: 'Only in the last event of a VM.' },
  UNKNOWN: {
    description: "The region's engine cannot be reached; see `observedAt`. Also a status that this version of the gateway does not know.",
  },
} as const satisfies Record<(typeof VM_STATUSES)[number], object>;

export const VmStatus = builder.enumType('VmStatus', {
  description: 'The observed state. `enabled` is the desired one: they differ while the VM is on its way.',
  values: statusDescriptions,
});

const VmOs = builder.objectRef<VmModel>('VmOs').implement({
  description: 'What the VM runs.',
  fields: (t) => ({
    distribution: t.exposeString('distribution', { description: "A catalog entry's code." }),
    desktop: t.exposeString('desktop', { nullable: true, description: 'One of its desktops; null where there is none to choose.' }),
  }),
});

const VmSpecs = builder.objectRef<VmModel>('VmSpecs').implement({
  description: 'What the VM may use.',
  fields: (t) => ({
    cpu: t.exposeInt('cpu', { description: 'vCPU cores.' }),
    ram: t.exposeInt('ramGb', { description: 'GB of memory.' }),
    storage: t.exposeBoolean('persistent', { description: 'Whether its primary volume outlives a stop.' }),
  }),
});

const StorageEnforcement = builder.enumType('StorageEnforcement', {
  description: 'How the size of storage is held.',
  values: {
    HARD: { description: 'Writing past it gives "no space left on device" inside the VM, and nobody else notices.' },
    MEASURED: { description: 'It is measured about every minute; a start is refused while the account uses more than its plan allows.' },
  } as const satisfies Record<NonNullable<VmModel['storageEnforcement']>, object>,
});

const VmProgress = builder.objectRef<Progress>('VmProgress').implement({
  description: 'How far a boot is.',
  fields: (t) => ({
    percent: t.exposeInt('percent', { description: 'Of the download of the image, over all its layers, 0 to 100; 100 from STARTING on.' }),
    message: t.exposeString('message', { description: 'What is being done, for a person.' }),
    bytesDone: t.exposeFloat('bytesDone', { nullable: true, description: 'Downloaded so far; null when nothing is downloaded.' }),
    bytesTotal: t.exposeFloat('bytesTotal', {
      nullable: true,
      description: 'To download, as far as known; null when nothing is downloaded.',
    }),
  }),
});

const VmBootStep = builder.objectRef<BootStep>('VmBootStep').implement({
  description: 'One status on the way up.',
  fields: (t) => ({
    status: t.field({ type: VmStatus, description: 'The status that it was in.', resolve: ({ status }) => toVmStatus(status) }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When the status began.',
      resolve: ({ startedAt }) => new Date(startedAt),
    }),
    seconds: t.exposeFloat('seconds', { nullable: true, description: 'How long it lasted, in seconds; null while it lasts.' }),
    attempt: t.exposeInt('attempt', {
      description:
        'Of which attempt of this boot the step is, from 1 on. Each QUEUED after the first begins another: at a retry, and when a change is undone.',
    }),
  }),
});

const VmBoot = builder.objectRef<Boot>('VmBoot').implement({
  description: 'The way that a VM took when it was last turned on, restarted or given a new container.',
  fields: (t) => ({
    steps: t.field({
      type: [VmBootStep],
      description: 'Each status from QUEUED to RUNNING or FAILED, oldest first; the newest 40, of a VM that is tried again and again.',
      resolve: ({ steps }) => [...steps],
    }),
  }),
});

const VmFailure = builder.objectRef<Failure>('VmFailure').implement({
  description: 'Why the last attempt failed.',
  fields: (t) => ({
    step: t.field({ type: VmStatus, description: 'Where on its way the VM was.', resolve: ({ step }) => toVmStatus(step) }),
    code: t.exposeString('code', {
      description: ['One of these.', ...Object.entries(FAILURE_CODES).map(([code, meaning]) => `- ${code}: ${meaning}.`)].join('\n'),
    }),
    message: t.exposeString('message', { description: 'What happened and what to do, for a person.' }),
    exitCode: t.exposeInt('exitCode', { nullable: true, description: "The app's exit code; null when it did not exit." }),
    oomKilled: t.exposeBoolean('oomKilled', { description: 'Whether it was killed for lack of memory.' }),
    logTail: t.stringList({
      description: 'The last lines that it wrote, at most 20; values of its secrets are hidden.',
      resolve: ({ logTail }) => [...logTail],
    }),
    at: t.field({ type: 'DateTime', description: 'When it failed.', resolve: ({ at }) => new Date(at) }),
    retryAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is tried again by itself; null when it is not.',
      resolve: ({ retryAt }) => (retryAt === undefined ? null : new Date(retryAt)),
    }),
  }),
});

export const Vm = builder.objectRef<VmModel>('Vm').implement({
  description: 'A browser desktop or app: at most one container, and its volumes.',
  interfaces: [Node],
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'vmlabel' in value,
  fields: (t) => ({
    userId: t.exposeID('userId', { description: 'The account that owns it.' }),
    vmlabel: t.exposeString('vmlabel', { description: 'A name for people; need not be unique.' }),
    region: t.exposeString('region', { description: "A region's code." }),
    os: t.field({ type: VmOs, description: 'What it runs.', resolve: (vm) => vm }),
    image: t.field({
      type: VmImage,
      nullable: true,
      description: 'The image that it runs; null before its first boot, and after a stop that leaves no volume.',
      resolve: (vm) => (hasImage(vm) ? vm : null),
    }),
    specs: t.field({ type: VmSpecs, description: 'What it may use.', resolve: (vm) => vm }),
    enabled: t.exposeBoolean('enabled', { description: 'The desired state: true as soon as a start is accepted.' }),
    status: t.field({ type: VmStatus, description: 'The observed state.', resolve: ({ status }): Status => status }),
    observedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the engine last confirmed the status; null before its first look.',
      resolve: ({ observedAt }) => observedAt,
    }),
    progress: t.field({
      type: VmProgress,
      nullable: true,
      description: 'While QUEUED, PULLING, STARTING or BOOTING; null otherwise.',
      resolve: ({ id, status }, _args, { bootProgress }) =>
        isBooting(status) ? (bootProgress.find(id, status) ?? unknownProgress(status)) : null,
    }),
    boot: t.field({
      type: VmBoot,
      nullable: true,
      description: 'Its last boot, step by step, also after it is RUNNING or off; null before its first start.',
      resolve: ({ boot }) => boot,
    }),
    lastFailure: t.field({
      type: VmFailure,
      nullable: true,
      description:
        'Why the last attempt failed, or why the status is UNKNOWN; null after a start that a user asked for, and when none did.',
      resolve: ({ lastFailure }) => lastFailure,
    }),
    changeUndone: t.boolean({
      description:
        'Whether the VM runs without its latest changes (secrets, ports, a restart), because the container with them did not come up; ' +
        '`lastFailure` says why. They are kept, and applied at the next change, restart or start.',
      resolve: ({ undoneHash }) => undoneHash !== null,
    }),
    url: t.string({
      description: "The app's own address: `https://{id}.{domain}`. Private: browsers open it through a link of createOpenLink.",
      resolve: ({ id }, _args, { address }) => vmUrl(address, id),
    }),
    startViolations: t.field({
      type: [QuotaViolation],
      description: 'Why startVm would be refused now; empty when it would not, and while the VM is enabled.',
      resolve: async (vm, _args, { loaders }) => {
        if (vm.enabled) return [];
        const { plan, usage } = await loaders.account();
        return startViolations(plan, usage, vm);
      },
    }),
    startProblems: t.field({
      type: [StartProblem],
      description:
        'Why a start would not succeed now: what `startViolations` says, and what is known of the engine, the image and ' +
        'the devices that the VM needs. Empty when nothing is known to be in the way, and while the VM is RUNNING or ' +
        'DEGRADED. Learned every 15 s, of registries and devices more rarely; reading it asks no engine. startVm refuses ' +
        'a start for QUOTA_EXCEEDED alone: it accepts one despite the others, which may pass meanwhile.',
      resolve: async (vm, _args, { loaders, catalog, factsOf }) => {
        if (vm.status === 'RUNNING' || vm.status === 'DEGRADED') return [];
        const { plan, usage } = vm.enabled ? {} : await loaders.account();
        const violations = plan === undefined || usage === undefined ? [] : startViolations(plan, usage, vm);
        return startProblems(vm, { distribution: catalog.distributions.get(vm.distribution), facts: factsOf(vm.region), violations });
      },
    }),
    storageGb: t.int({
      nullable: true,
      description:
        "GB that each volume of it may hold which outlives a stop: its plan's storage when it was created, more after a start on a bigger plan. Null where there is no such volume.",
      resolve: ({ persistent, storageEnforcement, storageGb }) => (persistent || storageEnforcement !== null ? storageGb : null),
    }),
    storageEnforcement: t.field({
      type: StorageEnforcement,
      nullable: true,
      description: 'How that size is held; null where there is no such volume, and until it was made.',
      resolve: ({ storageEnforcement }) => storageEnforcement,
    }),
    storageUsedGb: t.float({
      description: 'GB measured on its volumes that outlive a stop, refreshed about every minute.',
      resolve: ({ storageBytes }) => storageBytes / 2 ** 30,
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was created.', resolve: ({ createdAt }) => createdAt }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its app first answered after the last start; null while it is off.',
      resolve: ({ startedAt }) => startedAt,
    }),
    lastEventSeq: t.string({
      description: 'A cursor: pass it as `vmEvents(after:)` to see what happens from this state on.',
      resolve: ({ lastEventSeq }) => String(lastEventSeq),
    }),
  }),
});

/** Before the first note of progress, or after a restart of the gateway. */
function unknownProgress(status: Status): Progress {
  if (status === 'QUEUED') return { percent: 0, message: 'Waiting for a place.' };
  return status === 'PULLING' ? { percent: 0, message: 'Downloading its image.' } : { percent: 100, message: 'Starting.' };
}
