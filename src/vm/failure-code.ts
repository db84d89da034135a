import type { EngineErrorCode } from '../engine/engine-error.ts';

/** The closed table of what can be wrong with a VM: what an engine can say, and what only who brings the VM up can see. */
export const FAILURE_CODES = {
  IMAGE_NOT_FOUND: 'the registry has no such image, or does not give it to us',
  PULL_FAILED: 'the download of the image was refused, or broke off',
  PULL_STALLED: 'the download of the image brought nothing for a minute',
  NO_SPACE: "the engine's disk is full, or so nearly that nothing new is started on it; it is tried again by itself",
  DISK_LIMIT: 'the app wrote more outside its lasting storage than it may, and was stopped; it is not tried again by itself',
  DATA_LOST: 'a volume that held data is gone or damaged; nothing is started on a blank one instead',
  START_FAILED: 'the container cannot be made or started, as when its command is missing',
  ISOLATION_FAILED: 'VMs cannot be walled off on the engine, so none is started there',
  PORT_TAKEN: "something else on the engine's host holds a public port of the VM, and held those that were tried instead",
  APP_EXITED: 'the app ended by itself; see `exitCode` and `logTail`',
  OUT_OF_MEMORY: 'the app used more memory than it has, and was ended or ended of it',
  APP_SILENT: 'the app runs, but did not answer on its port in time',
  NOT_IN_CATALOG: 'the catalog no longer has what the VM was ordered as',
  ENGINE_UNREACHABLE: "the region's engine cannot be reached",
  ENGINE_TIMEOUT: "the region's engine does not answer in time",
  ENGINE_REFUSED: 'the engine refused, for a reason that has no code of its own',
} as const satisfies Record<EngineErrorCode, string> & Record<string, string>;

export type FailureCode = keyof typeof FAILURE_CODES;
