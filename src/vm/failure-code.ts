import type { EngineErrorCode } from '../engine/engine-error.ts';

/** All failures of a VM: those that an engine reports, and those that the reconciler finds. */
export const FAILURE_CODES = {
  IMAGE_NOT_FOUND: 'the registry does not have the image or denies access to it',
  PULL_FAILED: 'the download of the image was refused or interrupted',
  PULL_STALLED: 'the download of the image made no progress for a minute',
  NO_SPACE: "the engine's disk is full or nearly full, so nothing new is started on it; it is retried automatically",
  DISK_LIMIT:
    'the app wrote more than allowed outside its lasting storage and was stopped; it is not retried automatically',
  DATA_LOST: 'a volume that held data is gone or damaged; nothing is started on a blank one instead',
  START_FAILED: 'the container cannot be created or started, for example because its command is missing',
  ISOLATION_FAILED: 'VMs cannot be isolated on the engine, so none is started there',
  PORT_TAKEN:
    "another process on the engine's host holds a public port of the VM, and the ports that were tried instead",
  NODE_LOST: "the node with the VM's data is not there; the VM starts automatically when the node is back",
  NODE_DRAINED:
    "the node with the VM's data is being emptied by the operator; " +
    'the VM starts automatically when the node is in use again',
  NO_CAPACITY: 'no node has room for the VM; it is retried automatically',
  APP_EXITED: 'the app exited; see `exitCode` and `logTail`',
  OUT_OF_MEMORY: 'the app used more memory than it has and was killed, or exited because of it',
  APP_SILENT: 'the app runs, but did not answer on its port in time',
  NOT_IN_CATALOG: 'the catalog no longer has the distribution or desktop of the VM',
  ENGINE_UNREACHABLE: "the region's engine cannot be reached",
  ENGINE_TIMEOUT: "the region's engine does not answer in time",
  ENGINE_REFUSED: 'the engine refused for another reason',
} as const satisfies Record<EngineErrorCode, string> & Record<string, string>;

export type FailureCode = keyof typeof FAILURE_CODES;
