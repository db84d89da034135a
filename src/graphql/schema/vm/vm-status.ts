import type { VM_STATUSES } from '../../../vm/vm-status.ts';
import { builder } from '../builder.ts';

const statusDescriptions = {
  STOPPED: { description: 'Off: nothing runs.' },
  QUEUED: { description: 'The start was accepted and waits to be processed.' },
  PULLING: { description: 'Its image is being pulled; see `progress`.' },
  STARTING: { description: 'Its container is being created and started.' },
  BOOTING: { description: 'Its container runs, but the app does not answer yet.' },
  RUNNING: { description: 'The app answers at its URL.' },
  DEGRADED: { description: 'It was RUNNING, but the app has stopped answering.' },
  STOPPING: { description: 'It is stopping.' },
  FAILED: { description: 'The start failed, or the app has exited; see `lastFailure`. It can be started again.' },
  DELETING: { description: 'It is being deleted, with all its resources.' },
  DELETED: { description: 'Deleted. Occurs only in the last event of a VM.' },
  UNKNOWN: {
    description:
      "The region's engine cannot be reached; see `observedAt`. Also used for a status that this version of " +
      'the gateway does not know.',
  },
} as const satisfies Record<(typeof VM_STATUSES)[number], object>;

export const VmStatus = builder.enumType('VmStatus', {
  description: 'The observed state. `enabled` is the desired one; they differ during transitions.',
  values: statusDescriptions,
});
