import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'vite';
import { inProject } from '../../scripts/prepare/project.js';
import { buildWorker } from './build-worker.ts';
import { readOperations } from './read-operations.ts';
import { replaceFolder } from './replace-folder.ts';

/** Builds the dashboard into a folder, with `operations.json`: what it asks a gateway that takes only what it knows. */
export async function buildDashboard(folder: string, stamp: string): Promise<void> {
  await replaceFolder(folder, stamp, async (outDir) => {
    await build({
      configFile: inProject('dashboard/vite.config.ts'),
      logLevel: 'error',
      build: { outDir, emptyOutDir: true },
    });
    await buildWorker(outDir);
    // The pages of the gateway have the same colours.
    await copyFile(inProject('dashboard/theme.css'), path.join(outDir, 'theme.css'));
    await writeFile(path.join(outDir, 'operations.json'), JSON.stringify(await readOperations(), undefined, 2));
  });
}
