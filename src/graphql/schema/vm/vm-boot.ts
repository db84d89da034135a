import type { VmProgress as Progress } from '../../../events/vm-event.ts';
import type { BootStep, VmBoot as Boot } from '../../../vm/vm-boot.ts';
import { toVmStatus, type VmStatus as Status } from '../../../vm/vm-status.ts';
import { builder } from '../builder.ts';
import { VmStatus } from './vm-status.ts';

export const VmProgress = builder.objectRef<Progress>('VmProgress').implement({
  description: 'The progress of a boot.',
  fields: (t) => ({
    percent: t.exposeInt('percent', {
      description: 'The progress of the image download over all layers, 0 to 100; 100 from STARTING on.',
    }),
    message: t.exposeString('message', { description: 'The current activity, human-readable.' }),
    bytesDone: t.exposeFloat('bytesDone', {
      nullable: true,
      description: 'Bytes downloaded so far; null without a download.',
    }),
    bytesTotal: t.exposeFloat('bytesTotal', {
      nullable: true,
      description: 'Bytes to download, as far as known; null without a download.',
    }),
  }),
});

/** Until the first progress arrives, for example after a restart of the gateway. */
export function unknownProgress(status: Status): Progress {
  if (status === 'QUEUED') return { percent: 0, message: 'Waiting to be processed.' };
  return status === 'PULLING'
    ? { percent: 0, message: 'Downloading its image.' }
    : { percent: 100, message: 'Starting.' };
}

const VmBootStep = builder.objectRef<BootStep>('VmBootStep').implement({
  description: 'A step of a boot.',
  fields: (t) => ({
    status: t.field({
      type: VmStatus,
      description: 'The status during this step.',
      resolve: ({ status }) => toVmStatus(status),
    }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When the step began.',
      resolve: ({ startedAt }) => new Date(startedAt),
    }),
    seconds: t.exposeFloat('seconds', { nullable: true, description: 'Its duration in seconds; null while it lasts.' }),
    attempt: t.exposeInt('attempt', {
      description:
        'The number of the attempt within this boot, starting at 1. Each later QUEUED starts a new attempt: a retry, ' +
        'or the undoing of a change.',
    }),
  }),
});

export const VmBoot = builder.objectRef<Boot>('VmBoot').implement({
  description: 'The last boot of a VM: a start, a restart or a replacement of its container.',
  fields: (t) => ({
    steps: t.field({
      type: [VmBootStep],
      description: 'The steps from QUEUED to RUNNING or FAILED, oldest first. At most the last 40.',
      resolve: ({ steps }) => [...steps],
    }),
  }),
});
