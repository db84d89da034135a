import type { Observation, VolumeLifetime } from '../../engine/machine.ts';
import type { EventReason } from '../../events/vm-event.ts';
import type { VmStatus } from '../../vm/vm-status.ts';

/** The desired state of a VM and the circumstances of this iteration. */
export interface Desired {
  readonly goal: 'on' | 'off' | 'gone';
  /** Spec hash of the container that the VM should have. */
  readonly hash: string;
  readonly persistent: boolean;
  readonly storageReady: boolean;
  /** The status in the row. */
  readonly status: VmStatus;
  /** Until a failed VM is retried. 0: now. Infinity: never automatically. */
  readonly retryInSeconds: number;
  /**
   * Spec hash of the container that last answered since the start, or null. Its silence is DEGRADED, not a slow boot.
   */
  readonly answeredHash: string | null;
  /** Spec hash of an undone change, or null. It is not tried again while there is a container to go back to. */
  readonly undoneHash: string | null;
  /** Whether the container wrote more than it may outside its lasting volumes. */
  readonly isPastScratch: boolean;
  /** Whether the engine's disk has room for another container. */
  readonly hasRoom: boolean;
}

/** All steps with their arguments. A new one does not compile until `perform-step.ts` has its executor. */
export interface StepArgs {
  /** Write a status that announces the next steps. */
  show: { status: VmStatus; reason: EventReason };
  /** Create the volumes of a VM that is off. */
  prepareStorage: object;
  /**
   * Bring up the container: pull, create, start; or replace, adopt, resume. The container that answered last is kept,
   * stopped.
   */
  ensure: object;
  /** Bring up the container that answered last, and remove its replacement. */
  revert: object;
  /** Remove the containers that this one has replaced. */
  removeOthers: object;
  /** Wait until the app answers, then RUNNING. */
  awaitAnswer: object;
  /** Check once whether the app still answers. */
  checkAnswer: object;
  stop: object;
  remove: { volumes: readonly VolumeLifetime[] };
  /** The app exited. */
  failExited: { exitCode: number | undefined; oomKilled: boolean };
  /** The app wrote more than it may: stop it until its owner starts it again. */
  failPastScratch: object;
  /** The engine's disk is full, and the VM has no container yet. */
  failNoRoom: object;
  /** Leave a failed VM alone until its next try. */
  wait: { seconds: number };
  /** Write STOPPED: the VM is off and nothing of it runs. */
  rest: object;
  /** Delete the row and write the last event. */
  forget: object;
}

export type StepName = keyof StepArgs;
export type Step = { [Name in StepName]: { readonly step: Name } & Readonly<StepArgs[Name]> }[StepName];

/**
 * Decides what is left to do, from the desired state and what the engine shows. Pure, so a table tests it. The
 * reconciler performs the steps and plans again with what it then observes. No steps: the VM is as it should be.
 */
export function nextSteps(desired: Desired, observed: Observation | undefined): readonly Step[] {
  switch (desired.goal) {
    case 'gone':
      return stepsToGone(desired, observed);
    case 'off':
      return stepsToOff(desired, observed);
    case 'on':
      return stepsToOn(desired, observed);
  }
}

function stepsToGone({ status }: Desired, observed: Observation | undefined): readonly Step[] {
  const announce: Step[] = status === 'DELETING' ? [] : [{ step: 'show', status: 'DELETING', reason: 'USER' }];
  const stop: Step[] = observed === undefined ? [] : [{ step: 'stop' }];
  // Also without a container: an interrupted attempt may have left volumes.
  return [...announce, ...stop, { step: 'remove', volumes: ['until-stop', 'until-delete'] }, { step: 'forget' }];
}

function stepsToOff({ status, persistent, storageReady }: Desired, observed: Observation | undefined): readonly Step[] {
  if (observed === undefined && status === 'STOPPED') {
    return persistent && !storageReady ? [{ step: 'prepareStorage' }] : [];
  }
  const announce: Step[] = status === 'STOPPING' ? [] : [{ step: 'show', status: 'STOPPING', reason: 'ENGINE' }];
  const stop: Step[] = observed === undefined ? [] : [{ step: 'stop' }];
  return [...announce, ...stop, { step: 'remove', volumes: ['until-stop'] }, { step: 'rest' }];
}

/** States in which a container has processes. */
const LIVE: ReadonlySet<Observation['state']> = new Set(['running', 'paused', 'restarting']);

/** In these statuses the container was seen running: if it has ended, the app exited. */
const SEEN_UP: ReadonlySet<VmStatus> = new Set(['STARTING', 'BOOTING', 'RUNNING', 'DEGRADED']);

function stepsToOn(desired: Desired, observed: Observation | undefined): readonly Step[] {
  const { status, retryInSeconds } = desired;
  if (retryInSeconds > 0) return stepsToWait(retryInSeconds, observed);
  if (observed?.state === 'running' && desired.isPastScratch) return [{ step: 'failPastScratch' }];
  // A VM that has a container needs no more space, and comes up even if the disk is full.
  if (observed === undefined && !desired.hasRoom) return [{ step: 'failNoRoom' }];
  if (observed === undefined) return bringUp(status, 'ENGINE', 'ensure');
  const undone = isUndone(desired, observed);
  const up = undone ? 'revert' : 'ensure';
  if (observed.hash !== (undone ? desired.answeredHash : desired.hash))
    return bringUp(status, undone ? 'UNDO' : 'UPDATE', up);
  // Two live containers would write to the same volumes.
  if (observed.others?.some(({ state }) => LIVE.has(state)) === true) return bringUp(status, 'ENGINE', up);
  switch (observed.state) {
    case 'running':
      // Disconnected from its network: nobody can reach it, so it is replaced. It may still write, so it is stopped
      // first.
      if (observed.address === undefined) {
        const replace: Step[] = [
          { step: 'stop' },
          { step: 'remove', volumes: [] },
          { step: 'ensure' },
          { step: 'awaitAnswer' },
        ];
        return [...announceQueued(status, 'ENGINE'), ...replace];
      }
      if (!isUp(desired, observed)) return [{ step: 'awaitAnswer' }];
      return observed.others === undefined
        ? [{ step: 'checkAnswer' }]
        : [{ step: 'removeOthers' }, { step: 'checkAnswer' }];
    case 'exited':
    case 'dead':
      if (!SEEN_UP.has(status)) return bringUp(status, 'BOOT', up);
      return [{ step: 'failExited', exitCode: observed.exitCode, oomKilled: observed.oomKilled }];
    case 'created':
    case 'paused':
    case 'restarting':
    case 'removing':
      return bringUp(status, 'ENGINE', up);
  }
}

/**
 * Whether a VM whose new container does not come up can go back to the previous one: that one answered and still
 * exists, and this change was not undone before. If not, the VM has failed.
 */
export function canUndo(
  desired: Pick<Desired, 'hash' | 'answeredHash' | 'undoneHash'>,
  observed: Observation | undefined,
): boolean {
  const { hash, answeredHash, undoneHash } = desired;
  return answeredHash !== null && answeredHash !== hash && undoneHash !== hash && hasContainer(observed, answeredHash);
}

/**
 * Whether the desired change was undone and the previous container still exists. Otherwise another try can do no harm.
 */
function isUndone({ hash, answeredHash, undoneHash }: Desired, observed: Observation): boolean {
  return undoneHash === hash && answeredHash !== null && hasContainer(observed, answeredHash);
}

function hasContainer(observed: Observation | undefined, hash: string): boolean {
  return observed?.hash === hash || observed?.others?.some((other) => other.hash === hash) === true;
}

/** An event, such as the exit of the failed app itself, must not start the VM early. Nothing of a FAILED VM runs. */
function stepsToWait(seconds: number, observed: Observation | undefined): readonly Step[] {
  return observed !== undefined && LIVE.has(observed.state)
    ? [{ step: 'stop' }, { step: 'wait', seconds }]
    : [{ step: 'wait', seconds }];
}

/** Whether the app was up. UNKNOWN after an outage of the engine is not a new boot. */
function isUp({ status, answeredHash }: Desired, observed: Observation): boolean {
  return status === 'RUNNING' || status === 'DEGRADED' || (status === 'UNKNOWN' && answeredHash === observed.hash);
}

function bringUp(status: VmStatus, reason: EventReason, up: 'ensure' | 'revert'): readonly Step[] {
  return [...announceQueued(status, reason), { step: up }, { step: 'awaitAnswer' }];
}

/** An app that is about to be replaced must not be shown as RUNNING. A booting VM needs no new status. */
function announceQueued(status: VmStatus, reason: EventReason): Step[] {
  const booting = status === 'QUEUED' || status === 'PULLING' || status === 'STARTING' || status === 'BOOTING';
  return booting ? [] : [{ step: 'show', status: 'QUEUED', reason: status === 'FAILED' ? 'BOOT' : reason }];
}
