import { FAILURE_CODES } from '../failure-code.ts';

const { ENGINE_UNREACHABLE, ISOLATION_FAILED, NO_SPACE, NOT_IN_CATALOG } = FAILURE_CODES;

/** All problems that can keep a VM from starting. The code is the one with which the start would fail. */
export const START_PROBLEM_CODES = {
  QUOTA_EXCEEDED: 'the plan has no room for it: startVm refuses',
  ACCOUNT_SUSPENDED: 'an operator has suspended the account: startVm refuses',
  REGION_DRAINED: 'an operator lets nothing new start in the region: startVm refuses',
  NOT_IN_CATALOG,
  ENGINE_UNREACHABLE,
  ISOLATION_FAILED,
  NO_SPACE,
  PULL_FAILED: 'the image is not on the engine, which cannot reach its registry',
  IMAGE_NOT_FOUND: 'the image is neither on the engine nor in a registry',
  WRONG_ARCHITECTURE: "the image does not exist for the processors of the region's engine",
  DEVICE_MISSING: "the engine's host lacks a device that the image needs",
} as const satisfies Record<string, string>;

export interface StartProblem {
  readonly code: keyof typeof START_PROBLEM_CODES;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly action: string;
}
