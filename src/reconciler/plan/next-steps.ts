import type { Observation, VolumeLifetime } from '../../engine/machine.ts';
import type { EventReason } from '../../events/vm-event.ts';
import type { VmStatus } from '../../vm/vm-status.ts';

/** What a VM should be, as far as deciding needs it. */
export interface Desired {
  readonly goal: 'on' | 'off' | 'gone';
  /** Of the container that it should have. */
  readonly hash: string;
  readonly persistent: boolean;
  readonly storageReady: boolean;
  /** What its owner reads now. */
  readonly status: VmStatus;
  /** Until a VM that failed is tried again; 0 when that is due, Infinity when it is not by itself. */
  readonly retryInSeconds: number;
  /** Of the container that answered last since the start, null when none did: its silence is DEGRADED, not a boot that takes too long. */
  readonly answeredHash: string | null;
  /** Of the container that did not come up and was undone, null when none was: it is not tried again while there is one to go back to. */
  readonly undoneHash: string | null;
  /** Whether its container holds more of the engine's disk than it may. */
  readonly isPastScratch: boolean;
  /** Whether the engine's disk has room for another container. */
  readonly hasRoom: boolean;
}

/** The vocabulary: every step with what it takes. A new one does not compile until `steps.ts` can perform it. */
export interface StepArgs {
  /** Write a status that says what comes next. */
  show: { status: VmStatus; reason: EventReason };
  /** Make the volumes of a VM that is off. */
  prepareStorage: object;
  /** Bring the container up: pull, create, start; or replace, adopt, resume. The one that answered last is kept, stopped. */
  ensure: object;
  /** Bring the container that answered last up again, and remove what was to replace it. */
  revert: object;
  /** Remove what the container that answers has replaced. */
  removeOthers: object;
  /** Wait until the app answers, then RUNNING. */
  awaitAnswer: object;
  /** Ask the app once whether it still answers. */
  checkAnswer: object;
  stop: object;
  remove: { volumes: readonly VolumeLifetime[] };
  /** The app ended by itself. */
  failExited: { exitCode: number | undefined; oomKilled: boolean };
  /** It wrote more than it may: stop it, until its owner starts it again. */
  failPastScratch: object;
  /** The engine's disk is full: what has no container yet gets none. */
  failNoRoom: object;
  /** Leave a VM that failed alone until its next try. */
  wait: { seconds: number };
  /** Off, and nothing of it runs. */
  rest: object;
  /** Gone: the row goes with its last event. */
  forget: object;
}

export type StepName = keyof StepArgs;
export type Step = { [Name in StepName]: { readonly step: Name } & Readonly<StepArgs[Name]> }[StepName];

/**
 * The heart: what is left to do, from what is wanted and what the engine shows. Pure, so a table tests it. The
 * reconciler performs the first step and asks again with what it then sees; an empty answer means it is as it should be.
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
  // Also without a container: volumes may be left of an attempt that was cut short.
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

/** Statuses in which the container was seen up: its end is the app's own doing, and is explained as such. */
const SEEN_UP: ReadonlySet<VmStatus> = new Set(['STARTING', 'BOOTING', 'RUNNING', 'DEGRADED']);

function stepsToOn(desired: Desired, observed: Observation | undefined): readonly Step[] {
  const { status, retryInSeconds } = desired;
  if (retryInSeconds > 0) return stepsToWait(retryInSeconds, observed);
  if (observed?.state === 'running' && desired.isPastScratch) return [{ step: 'failPastScratch' }];
  // What has a container has its place on the disk, and comes up again also when that is full.
  if (observed === undefined && !desired.hasRoom) return [{ step: 'failNoRoom' }];
  if (observed === undefined) return bringUp(status, 'ENGINE', 'ensure');
  const undone = goesBack(desired, observed);
  const up = undone ? 'revert' : 'ensure';
  if (observed.hash !== (undone ? desired.answeredHash : desired.hash)) return bringUp(status, undone ? 'UNDO' : 'UPDATE', up);
  // Two of them write to the same volumes.
  if (observed.others?.some(({ state }) => LIVE.has(state)) === true) return bringUp(status, 'ENGINE', up);
  switch (observed.state) {
    case 'running':
      // Cut off from its network: nobody can reach it, so it is replaced. It still writes: its grace is not cut.
      if (observed.address === undefined) {
        const replace: Step[] = [{ step: 'stop' }, { step: 'remove', volumes: [] }, { step: 'ensure' }, { step: 'awaitAnswer' }];
        return [...announceQueued(status, 'ENGINE'), ...replace];
      }
      if (!isUp(desired, observed)) return [{ step: 'awaitAnswer' }];
      return observed.others === undefined ? [{ step: 'checkAnswer' }] : [{ step: 'removeOthers' }, { step: 'checkAnswer' }];
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
 * Whether a VM whose new container does not come up can go back to the one from before: it answered, is still there, and this
 * very change was not undone before. If not, the VM has failed.
 */
export function canUndo(desired: Pick<Desired, 'hash' | 'answeredHash' | 'undoneHash'>, observed: Observation | undefined): boolean {
  const { hash, answeredHash, undoneHash } = desired;
  return answeredHash !== null && answeredHash !== hash && undoneHash !== hash && hasContainer(observed, answeredHash);
}

/** Whether what is wanted was undone, and the container to go back to is still there: else there is nothing to lose by another try. */
function goesBack({ hash, answeredHash, undoneHash }: Desired, observed: Observation): boolean {
  return undoneHash === hash && answeredHash !== null && hasContainer(observed, answeredHash);
}

function hasContainer(observed: Observation | undefined, hash: string): boolean {
  return observed?.hash === hash || observed?.others?.some((other) => other.hash === hash) === true;
}

/** A hint, such as the very exit that it failed with, must not bring it up before its time. Nothing of a FAILED VM runs meanwhile. */
function stepsToWait(seconds: number, observed: Observation | undefined): readonly Step[] {
  return observed !== undefined && LIVE.has(observed.state) ? [{ step: 'stop' }, { step: 'wait', seconds }] : [{ step: 'wait', seconds }];
}

/** Once up, asked now and then; also when its engine was away for a while, which is no new boot. */
function isUp({ status, answeredHash }: Desired, observed: Observation): boolean {
  return status === 'RUNNING' || status === 'DEGRADED' || (status === 'UNKNOWN' && answeredHash === observed.hash);
}

function bringUp(status: VmStatus, reason: EventReason, up: 'ensure' | 'revert'): readonly Step[] {
  return [...announceQueued(status, reason), { step: up }, { step: 'awaitAnswer' }];
}

/** An app that is about to go away must not be called RUNNING meanwhile; one that is booting already says so. */
function announceQueued(status: VmStatus, reason: EventReason): Step[] {
  const booting = status === 'QUEUED' || status === 'PULLING' || status === 'STARTING' || status === 'BOOTING';
  return booting ? [] : [{ step: 'show', status: 'QUEUED', reason: status === 'FAILED' ? 'BOOT' : reason }];
}
