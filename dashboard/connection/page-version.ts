import { fetchConfig } from '../session/dashboard-config.ts';
import { afterEachLoss } from './after-each-loss.ts';
import { isPageOutdated } from './page-outdated.ts';

/**
 * Looks after each reconnect whether the gateway has been replaced by one with a newer page. Returns the way to stop.
 */
export function followPageVersion(): () => void {
  return afterEachLoss(() => void checkPageVersion());
}

/** Whether the gateway serves another build of the page than this one; false if it does not answer. */
async function checkPageVersion(): Promise<boolean> {
  const config = await fetchConfig().catch(() => undefined);
  const script = document.querySelector<HTMLScriptElement>('script[src*="/first-"]');
  if (config !== undefined && script !== null) isPageOutdated.value = config.build !== new URL(script.src).pathname;
  return isPageOutdated.value;
}
