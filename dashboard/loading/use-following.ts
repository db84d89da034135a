import { useEffect, useRef, useState } from 'preact/hooks';
import { toProblem, type Problem } from '../api/problem.ts';

type Follow<Value> = (
  vmId: string,
  onValue: (value: Value) => void,
  signal: AbortSignal,
  before: Value | undefined,
) => Promise<void>;

/** What a live stream of a VM has brought, while the page is visible and `isOn`. A later stream continues the value. */
export function useFollowing<Value extends object>(
  follow: Follow<Value>,
  vmId: string,
  isOn = true,
): { value: Value | undefined; problem: Problem | undefined; retry: () => void } {
  const [value, setValue] = useState<Value>();
  const [problem, setProblem] = useState<Problem>();
  const [attempt, setAttempt] = useState(0);
  const [isVisible, setVisible] = useState(document.visibilityState === 'visible');
  const last = useRef<Value>(null);
  useEffect(() => {
    const look = (): void => setVisible(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  useEffect(() => {
    if (!isVisible || !isOn) return undefined;
    const ended = new AbortController();
    const take = (next: Value): void => {
      last.current = next;
      setValue(next);
    };
    setProblem(undefined);
    follow(vmId, take, ended.signal, last.current ?? undefined).catch((error: unknown) => setProblem(toProblem(error)));
    return () => ended.abort();
  }, [follow, vmId, isVisible, isOn, attempt]);
  return { value, problem, retry: () => setAttempt((before) => before + 1) };
}
