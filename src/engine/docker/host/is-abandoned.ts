import { LABEL } from '../../labels.ts';
import type { ContainerDetails } from '../containers/containers.ts';

/** A gateway's next step with the container takes a second, or on a busy engine the deadlines of a few calls. */
const SLACK_MILLISECONDS = 45_000;

/**
 * True if the gateway of this command's container must be gone: the command never started, ended a while ago, or
 * exceeded its time limit. `now` must be the engine's time, like the container's times; a gateway's clock may differ.
 */
export function isAbandoned({ Config, Created, State }: ContainerDetails, now: number): boolean {
  const since = (text: string | undefined) => now - Date.parse(text ?? '');
  const mayRun = Number(Config.Labels?.[LABEL.command]) * 1000;
  // Files are read and written through containers that were not started yet.
  const mayWait = Config.Labels?.[LABEL.files] === undefined ? 0 : mayRun;
  if (State.Status === 'created') return since(Created) > mayWait + SLACK_MILLISECONDS;
  if (State.Status === 'exited' || State.Status === 'dead') return since(State.FinishedAt) > SLACK_MILLISECONDS;
  return State.Status === 'running' && since(State.StartedAt) > mayRun + SLACK_MILLISECONDS;
}
