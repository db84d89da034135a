import { signal } from '@preact/signals';

/** Whether the gateway serves another build of the page than this one. */
export const isPageOutdated = signal(false);
