import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { tellNews } from './news.ts';
import { followPageVersion } from '../connection/page-version.ts';
import { Toasts } from '../parts/toast.tsx';
import { PaletteButton } from './palette/palette-button.tsx';

/** What the first screen does not wait for: the palette with the keys, news, and whether the page is outdated. */
export function Background(): JSX.Element {
  const { route } = useLocation();
  useEffect(() => tellNews(route), [route]);
  useEffect(followPageVersion, []);
  return (
    <>
      <PaletteButton />
      <Toasts />
    </>
  );
}
