import { fetchConfig } from '../session/dashboard-config.ts';
import { lostAt } from './link-state.ts';
import { isPageOutdated } from './page-outdated.ts';

/**
 * Looks after each reconnect whether the gateway has been replaced by one with a newer page. Returns the way to stop.
 */
export function followPageVersion(): () => void {
  let wasLost = false;
  return lostAt.subscribe((lost) => {
    if (lost === undefined && wasLost) void check();
    wasLost = lost !== undefined;
  });
}

async function check(): Promise<void> {
  const config = await fetchConfig().catch(() => undefined);
  const script = document.querySelector<HTMLScriptElement>('script[src*="/first-"]');
  if (config !== undefined && script !== null) isPageOutdated.value = config.build !== new URL(script.src).pathname;
}
