import type { Observation, VolumeLifetime } from '../engine/driver.ts';
import type { EventReason } from '../events/vm-event.ts';
import type { VmStatus } from '../vm/vm-status.ts';

/** What a VM should be, as far as deciding needs it. */
export interface Desired {
  readonly goal: 'on' | 'off' | 'gone';
  /** Of the container that it should have. */
  readonly hash: string;
  readonly persistent: boolean;
  readonly storageReady: boolean;
  /** What its owner reads now. */
  readonly status: VmStatus;
  /** Until a VM that failed is tried again; 0 when that is due. */
  readonly retryInSeconds: number;
  /** Whether its app has answered since the last start: from then on its silence is DEGRADED, not a boot that takes too long. */
  readonly hasAnswered: boolean;
}

/** The vocabulary: every step with what it takes. A new one does not compile until `steps.ts` can perform it. */
export interface StepArgs {
  /** Write a status that says what comes next. */
  show: { status: VmStatus; reason: EventReason };
  /** Make the volumes of a VM that is off. */
  prepareStorage: object;
  /** Bring the container up: pull, create, start; or replace, adopt, resume. */
  ensure: object;
  /** Wait until the app answers, then RUNNING. */
  awaitAnswer: object;
  /** Ask the app once whether it still answers. */
  checkAnswer: object;
  stop: object;
  remove: { volumes: readonly VolumeLifetime[] };
  /** The app ended by itself. */
  failExited: { exitCode: number | undefined; oomKilled: boolean };
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

/** Statuses in which the container was seen up: its end is the app's own doing, and is explained as such. */
const SEEN_UP: ReadonlySet<VmStatus> = new Set(['STARTING', 'BOOTING', 'RUNNING', 'DEGRADED']);

function stepsToOn(desired: Desired, observed: Observation | undefined): readonly Step[] {
  const { status, hash, retryInSeconds } = desired;
  if (retryInSeconds > 0) return stepsToWait(retryInSeconds, observed);
  if (observed === undefined) return bringUp(status, 'ENGINE');
  if (observed.hash !== hash) return bringUp(status, 'UPDATE');
  switch (observed.state) {
    case 'running':
      // Cut off from its network: nobody can reach it, so it is replaced. It still writes: its grace is not cut.
      if (observed.address === undefined) {
        const replace: Step[] = [{ step: 'stop' }, { step: 'remove', volumes: [] }, { step: 'ensure' }, { step: 'awaitAnswer' }];
        return [...announceQueued(status, 'ENGINE'), ...replace];
      }
      return isUp(desired) ? [{ step: 'checkAnswer' }] : [{ step: 'awaitAnswer' }];
    case 'exited':
    case 'dead':
      if (!SEEN_UP.has(status)) return bringUp(status, 'BOOT');
      return [{ step: 'failExited', exitCode: observed.exitCode, oomKilled: observed.oomKilled }];
    case 'created':
    case 'paused':
    case 'restarting':
    case 'removing':
      return bringUp(status, 'ENGINE');
  }
}

/** A hint, such as the very exit that it failed with, must not bring it up before its time. Nothing of a FAILED VM runs meanwhile. */
function stepsToWait(seconds: number, observed: Observation | undefined): readonly Step[] {
  const live = observed?.state === 'running' || observed?.state === 'paused' || observed?.state === 'restarting';
  return live ? [{ step: 'stop' }, { step: 'wait', seconds }] : [{ step: 'wait', seconds }];
}

/** Once up, asked now and then; also when its engine was away for a while, which is no new boot. */
function isUp({ status, hasAnswered }: Desired): boolean {
  return status === 'RUNNING' || status === 'DEGRADED' || (status === 'UNKNOWN' && hasAnswered);
}

function bringUp(status: VmStatus, reason: EventReason): readonly Step[] {
  return [...announceQueued(status, reason), { step: 'ensure' }, { step: 'awaitAnswer' }];
}

/** An app that is about to go away must not be called RUNNING meanwhile; one that is booting already says so. */
function announceQueued(status: VmStatus, reason: EventReason): Step[] {
  const booting = status === 'QUEUED' || status === 'PULLING' || status === 'STARTING' || status === 'BOOTING';
  return booting ? [] : [{ step: 'show', status: 'QUEUED', reason: status === 'FAILED' ? 'BOOT' : reason }];
}
