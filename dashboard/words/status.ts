import type { VmStatus } from '../api/vm-fields.ts';

/** What a VM did that then failed: its start, its run or its stop. */
export type Failing = 'start' | 'run' | 'stop';

const STATUS: Readonly<Record<VmStatus, string>> = {
  STOPPED: 'Off',
  QUEUED: 'Waiting for its turn',
  PULLING: 'Downloading the image',
  STARTING: 'Starting the container',
  BOOTING: 'Waiting for the app to answer',
  RUNNING: 'Running',
  DEGRADED: 'The app stopped answering',
  STOPPING: 'Stopping',
  FAILED: 'Failed',
  DELETING: 'Being deleted',
  DELETED: 'Deleted',
  UNKNOWN: 'Its machine does not answer',
};

const FAILED: Readonly<Record<Failing, string>> = {
  start: 'It did not start',
  run: 'It stopped unexpectedly',
  stop: 'It could not be stopped',
};

const REASONS: Readonly<Record<string, string>> = {
  USER: 'you',
  CRASH: 'it exited on its own',
  OOM: 'it ran out of memory',
  DEADLINE: 'it took too long',
  ENGINE: 'its machine',
  UPDATE: 'a change',
  UNDO: 'the change was taken back',
  DISK: 'its disk',
  ADOPT: 'your operator',
};

/** Why a status is. The boot page of a VM uses the same words. */
export const statusWords = {
  status: STATUS,
  statusOf: (status: VmStatus, failing: Failing) => (status === 'FAILED' ? FAILED[failing] : STATUS[status]),
  reason: (reason: string | null) => (reason === null ? '' : (REASONS[reason] ?? '')),
};
