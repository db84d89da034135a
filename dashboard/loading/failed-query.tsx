import type { JSX } from 'preact';
import type { Problem } from '../api/problem.ts';
import { words } from '../words/words.ts';

/** In the place of what could not be read. */
export function FailedQuery({ problem, onRetry }: { problem: Problem; onRetry: () => void }): JSX.Element {
  return (
    <div class="notice bad" role="alert">
      <p>{problem.message}</p>
      {problem.requestId !== undefined && <p class="quiet small">{words.problem.requestId(problem.requestId)}</p>}
      <button type="button" class="button" onClick={onRetry}>
        {words.action.tryAgain}
      </button>
    </div>
  );
}
