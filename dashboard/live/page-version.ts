import { signal } from '@preact/signals';
import { fetchConfig } from '../session/dashboard-config.ts';

/** Whether the gateway serves another build of the page than this one. */
export const isPageOutdated = signal(false);

let build: string | undefined;

/** Called after each reconnect: the gateway may have been replaced. */
export async function checkPageVersion(): Promise<void> {
  const config = await fetchConfig().catch(() => undefined);
  if (config === undefined) return;
  build ??= config.build;
  isPageOutdated.value = config.build !== build;
}
