import type { JSX } from 'preact';
import { useTitle } from '../frame/use-title.ts';
import { words } from '../words/words.ts';

export function NotFound(): JSX.Element {
  useTitle(words.notFound.title);
  return (
    <div class="empty">
      <h1>{words.notFound.title}</h1>
      <a class="button" href="/">
        {words.notFound.link}
      </a>
    </div>
  );
}
