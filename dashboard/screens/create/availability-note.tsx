import type { JSX } from 'preact';
import type { Distribution } from '../../api/desk.ts';
import { hasLocalImage } from '../../live/catalog-facts.ts';
import { createWords as words } from '../../words/create.ts';

/** How an entry gets to the region's machine. */
export function AvailabilityNote({ distribution }: { distribution: Distribution; region: string }): JSX.Element {
  return <>{hasLocalImage(distribution) ? words.builds : words.needsRegistry}</>;
}
