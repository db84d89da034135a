import { inChildSpan } from '../../tracing.ts';
import { markFailed } from '../failure/mark-failed.ts';
import { noRoomCause, pastScratchCause } from '../failure/vm-failure.ts';
import { NEXT, type StepOutcome } from '../iteration/step-outcome.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';
import type { Step, StepArgs, StepName } from '../plan/next-steps.ts';
import { awaitAnswer, checkAnswer } from './answer.ts';
import { ensure, prepareStorage, removeOthers, revert } from './bring-up.ts';
import { failExited, remove, rest, stop } from './take-down.ts';

type Executors = {
  readonly [Name in StepName]: (iteration: VmIteration, args: StepArgs[Name]) => Promise<StepOutcome>;
};

/** How each step of `next-steps.ts` is performed. */
const EXECUTORS: Executors = {
  async show({ writer }, { status, reason }) {
    await writer.setStatus(status, reason);
    return NEXT;
  },
  prepareStorage,
  ensure,
  revert,
  removeOthers,
  awaitAnswer,
  checkAnswer,
  stop,
  remove,
  failExited,
  failPastScratch: (iteration) => markFailed(iteration, pastScratchCause(iteration.distribution?.scratchGb ?? 0)),
  failNoRoom: (iteration) => markFailed(iteration, noRoomCause(iteration.vm.region)),
  async wait(_iteration, { seconds }) {
    return Number.isFinite(seconds) ? { kind: 'done', nextInSeconds: seconds } : { kind: 'done' };
  },
  rest,
  async forget({ writer }) {
    await writer.deleteVm();
    return { kind: 'done' };
  },
};

/** Performs the step. Rejects with the engine's refusal, or with LeaseLostError when the VM was changed meanwhile. */
export async function performStep(iteration: VmIteration, step: Step): Promise<StepOutcome> {
  // The only cast: the type of the table pairs each name with its own arguments.
  const execute = EXECUTORS[step.step] as (iteration: VmIteration, args: Step) => Promise<StepOutcome>;
  return inChildSpan(`vm.${step.step}`, {}, () => execute(iteration, step));
}
