import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { Icon } from '../../parts/icons.tsx';
import { later } from '../../loading/later.tsx';
import { words } from '../../words/words.ts';
import { isPaletteOpen } from './palette-state.ts';
import { handleShortcuts } from '../shortcuts.ts';

const Palette = later(async () => (await import('./palette.tsx')).Palette);

/** Opens the palette, like Ctrl K, and listens to all other keys of the page. */
export function PaletteButton(): JSX.Element {
  const { route } = useLocation();
  const open = (): void => void (isPaletteOpen.value = true);
  useEffect(() => handleShortcuts(route, open), [route]);
  return (
    <>
      <button type="button" class="palette-button" aria-keyshortcuts="Control+K" onClick={open}>
        <Icon name="search" />
        <span class="hidden">{words.palette.open}</span>
        <kbd>Ctrl K</kbd>
      </button>
      {isPaletteOpen.value && <Palette />}
    </>
  );
}
