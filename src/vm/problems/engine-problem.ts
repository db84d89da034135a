import type { EngineProblem } from '../engine-facts.ts';
import type { StartProblem } from './start-problem.ts';

const OTHER_REGION = 'Try again later or in another region; the operator sees more in the log of the gateway.';

/** Why nothing can be started in a region now. */
export function engineProblem(problem: EngineProblem, region: string): StartProblem {
  const messages: Readonly<Record<EngineProblem, string>> = {
    ENGINE_UNREACHABLE: `The engine of region "${region}" does not answer.`,
    ISOLATION_FAILED: `VMs cannot be isolated on the engine of region "${region}", so none is started there.`,
    NO_SPACE: `The disk of region "${region}" is nearly full, so nothing new is started there.`,
  };
  return { code: problem, message: messages[problem], action: OTHER_REGION };
}
