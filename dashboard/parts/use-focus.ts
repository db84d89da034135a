import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** Focuses an element when it appears. The attribute `autofocus` has an effect only while a page loads. */
export function useFocus<Focused extends HTMLElement>(): RefObject<Focused | null> {
  const ref = useRef<Focused>(null);
  useLayoutEffect(() => ref.current?.focus(), []);
  return ref;
}
