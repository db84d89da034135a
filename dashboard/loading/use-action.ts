import { useState } from 'preact/hooks';
import { toProblem, type Problem } from '../api/problem.ts';

/** A command of a form: one at a time, with its problem. */
export function useAction(): {
  problem: Problem | undefined;
  isRunning: boolean;
  run: (action: () => Promise<unknown>) => Promise<boolean>;
} {
  const [problem, setProblem] = useState<Problem>();
  const [isRunning, setRunning] = useState(false);
  const run = async (action: () => Promise<unknown>): Promise<boolean> => {
    if (isRunning) return false;
    setRunning(true);
    setProblem(undefined);
    try {
      await action();
      return true;
    } catch (error) {
      setProblem(toProblem(error));
      return false;
    } finally {
      setRunning(false);
    }
  };
  return { problem, isRunning, run };
}
