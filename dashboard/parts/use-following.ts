import { useEffect, useState } from 'preact/hooks';
import { toProblem, type Problem } from '../api/problem.ts';

type Follow<Value> = (vmId: string, onValue: (value: Value) => void, signal: AbortSignal) => Promise<void>;

/** What a live stream of a VM has brought, while the page is visible and `isOn`. */
export function useFollowing<Value>(
  follow: Follow<Value>,
  vmId: string,
  isOn = true,
): { value: Value | undefined; problem: Problem | undefined } {
  const [value, setValue] = useState<Value>();
  const [problem, setProblem] = useState<Problem>();
  const [isVisible, setVisible] = useState(document.visibilityState === 'visible');
  useEffect(() => {
    const look = (): void => setVisible(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  useEffect(() => {
    if (!isVisible || !isOn) return undefined;
    const ended = new AbortController();
    follow(vmId, setValue as (value: Value) => void, ended.signal).catch((error: unknown) =>
      setProblem(toProblem(error)),
    );
    return () => ended.abort();
  }, [follow, vmId, isVisible, isOn]);
  return { value, problem };
}
