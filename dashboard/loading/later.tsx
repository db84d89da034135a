import type { ComponentType, JSX } from 'preact';
import { lazy } from 'preact-iso';
import { fetchConfig } from '../session/dashboard-config.ts';
import { words } from '../words/words.ts';

/** A part of the page that is loaded when it is first shown. */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  return lazy(async (): Promise<ComponentType<Props>> => {
    try {
      return await load();
    } catch (error) {
      console.error(error);
      return NotLoaded;
    }
  });
}

/** Its file is gone since the gateway was upgraded, or the network is. A browser asks once for each file. */
function NotLoaded(): JSX.Element {
  const reload = async (): Promise<void> => {
    // Without an answer there would not even be this page.
    if ((await fetchConfig().catch(() => undefined)) !== undefined) location.reload();
  };
  return (
    <div class="notice bad" role="alert">
      <p>{words.notLoaded}</p>
      <button type="button" class="button" onClick={() => void reload()}>
        {words.action.reloadPage}
      </button>
    </div>
  );
}
