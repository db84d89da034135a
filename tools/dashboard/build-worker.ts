import { build } from 'vite';
import { inProject } from '../../scripts/prepare/project.js';

/** Builds the dashboard's service worker into a folder. Its name is always the same: browsers look there for changes. */
export async function buildWorker(outDir: string): Promise<void> {
  await build({
    configFile: false,
    root: inProject('dashboard'),
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2023',
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: inProject('dashboard/session/renewal-worker.ts'),
        output: { format: 'iife', entryFileNames: 'renewal-worker.js' },
      },
    },
  });
}
