import { build } from 'vite';
import { inProject } from '../../scripts/prepare/project.js';
import { replaceFolder } from './replace-folder.ts';

/** Builds the dashboard into a folder. */
export async function buildDashboard(folder: string, stamp: string): Promise<void> {
  await replaceFolder(folder, stamp, async (outDir) => {
    await build({
      configFile: inProject('dashboard/vite.config.ts'),
      logLevel: 'error',
      build: { outDir, emptyOutDir: true },
    });
  });
}
