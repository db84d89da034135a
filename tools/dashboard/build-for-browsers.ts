import { build, type BuildOptions } from 'vite';
import { inProject } from '../../scripts/prepare/project.js';

interface BrowserBuild {
  /** The folder of the sources, in the project. */
  readonly root: string;
  readonly outDir: string;
  readonly rolldownOptions: NonNullable<BuildOptions['rolldownOptions']>;
}

/** Builds code for the browsers that the gateway supports, beside what is in `outDir`. */
export async function buildForBrowsers({ root, outDir, rolldownOptions }: BrowserBuild): Promise<void> {
  await build({
    configFile: false,
    root: inProject(root),
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2023',
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions,
    },
  });
}
