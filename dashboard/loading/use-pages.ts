import { useEffect, useRef, useState } from 'preact/hooks';
import { toProblem, type Problem } from '../api/problem.ts';
import { withNewest, withOlder, type PageOf, type Pages } from './pages.ts';

interface List<Item> {
  /** The list that is asked for. Another key is another list. */
  readonly key: string;
  /** The first page is loaded again when this changes. */
  readonly version?: string | undefined;
  readonly load: (after: string | null, signal: AbortSignal) => Promise<PageOf<Item>>;
  readonly keyOf: (item: Item) => string;
}

export interface PagesState<Item> {
  readonly items: readonly Item[] | undefined;
  readonly problem: Problem | undefined;
  /** Loads the next page, which is older; undefined at the end. */
  readonly older: (() => void) | undefined;
  readonly reload: () => void;
}

/** A list that is loaded page by page, the newest first. */
export function usePages<Item>({ key, version, load, keyOf }: List<Item>): PagesState<Item> {
  const [state, setState] = useState<{ key: string; pages?: Pages<Item>; problem?: Problem }>({ key });
  const [round, setRound] = useState(0);
  /** Of the present list; aborted with it. */
  const present = useRef(new AbortController());
  const loading = useRef<string>(null);
  useEffect(() => {
    const ended = new AbortController();
    present.current = ended;
    loading.current = null;
    return () => ended.abort();
  }, [key]);

  const take = async (after: string | null): Promise<void> => {
    const { signal } = present.current;
    try {
      const page = await load(after, signal);
      if (signal.aborted) return;
      setState((before) => {
        const pages = before.key === key ? before.pages : undefined;
        if (after === null || pages === undefined) return { key, pages: withNewest(pages, page, keyOf) };
        return { key, pages: withOlder(pages, page, keyOf) };
      });
    } catch (error) {
      if (!signal.aborted) setState(({ pages }) => ({ key, ...(pages && { pages }), problem: toProblem(error) }));
    }
  };
  useEffect(() => void take(null), [key, version, round]);

  const { pages, problem } = state.key === key ? state : {};
  const older = (): void => {
    const next = pages?.next ?? null;
    // A second click on the way is the same page.
    if (next === null || loading.current === next) return;
    loading.current = next;
    void take(next).finally(() => (loading.current = null));
  };
  return {
    items: pages?.items,
    problem,
    older: pages == null || pages.next === null ? undefined : older,
    reload: () => setRound((last) => last + 1),
  };
}
