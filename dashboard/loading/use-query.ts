import { useCallback, useEffect, useState } from 'preact/hooks';
import { ask } from '../connection/ask.ts';
import type { ResultOf, VariablesOf } from '../api/graphql.ts';
import { toProblem, type Problem } from '../api/problem.ts';

interface QueryState<Result> {
  readonly data: Result | undefined;
  readonly problem: Problem | undefined;
  readonly reload: () => void;
}

/**
 * Asks for each value of the variables, and again when `version` changes or `reload` is called: what is shown stays
 * until the next answer.
 */
export function useQuery<Doc>(document: Doc, variables: VariablesOf<Doc>, version?: string): QueryState<ResultOf<Doc>> {
  const [state, setState] = useState<{ key?: string; data?: ResultOf<Doc>; problem?: Problem }>({});
  const [round, setRound] = useState(0);
  const key = JSON.stringify(variables);
  useEffect(() => {
    const ended = new AbortController();
    // The variables by their content.
    ask(document, variables, { signal: ended.signal }).then(
      (data) => setState({ key, data }),
      (error: unknown) => {
        if (!ended.signal.aborted) setState((before) => ({ ...before, problem: toProblem(error) }));
      },
    );
    return () => ended.abort();
  }, [document, key, version, round]);
  // What was answered to other variables is not the answer.
  const data = state.key === key ? state.data : undefined;
  return { data, problem: state.problem, reload: useCallback(() => setRound((last) => last + 1), []) };
}
