import { useEffect } from 'preact/hooks';
import { words } from '../words/words.ts';

let isFirst = true;

/** Names the window, and moves the focus of those who navigate by keyboard to the new screen's content. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${words.product}`;
  }, [title]);
  useEffect(() => {
    if (!isFirst && (document.activeElement === document.body || document.activeElement?.closest('header') != null))
      document.querySelector<HTMLElement>('#content')?.focus({ preventScroll: true });
    isFirst = false;
  }, []);
}
