import { LABEL } from '../../labels.ts';
import type { ContainerDetails } from '../containers/containers.ts';

/** What a gateway does next with a command's container, it does within a second; on a busy engine within a few calls' deadlines. */
const SLACK_MILLISECONDS = 45_000;

/**
 * Whether the gateway that made this command's container must be gone: the command never began, ended some time ago, or runs for longer than
 * it may. `now` is read from the engine's clock, as all the container's times are; a gateway's own may differ from it by minutes.
 */
export function isAbandoned({ Config, Created, State }: ContainerDetails, now: number): boolean {
  const since = (text: string | undefined) => now - Date.parse(text ?? '');
  if (State.Status === 'created') return since(Created) > SLACK_MILLISECONDS;
  if (State.Status === 'exited' || State.Status === 'dead') return since(State.FinishedAt) > SLACK_MILLISECONDS;
  const mayRun = Number(Config.Labels?.[LABEL.command]) * 1000;
  return State.Status === 'running' && since(State.StartedAt) > mayRun + SLACK_MILLISECONDS;
}
