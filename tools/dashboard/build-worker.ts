import { inProject } from '../../scripts/prepare/project.js';
import { buildForBrowsers } from './build-for-browsers.ts';

/** Builds the dashboard's service worker into a folder. Its name stays the same: browsers look there for changes. */
export async function buildWorker(outDir: string): Promise<void> {
  await buildForBrowsers({
    root: 'dashboard',
    outDir,
    rolldownOptions: {
      input: inProject('dashboard/session/renewal-worker.ts'),
      output: { format: 'iife', entryFileNames: 'renewal-worker.js' },
    },
  });
}
