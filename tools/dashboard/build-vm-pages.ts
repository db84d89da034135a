import { inProject } from '../../scripts/prepare/project.js';
import { buildForBrowsers } from './build-for-browsers.ts';
import { replaceFolder } from './replace-folder.ts';

/** The pages with a script, by their names in the gateway. */
const PAGES = ['terminal', 'files'];

/** Builds the scripts and styles of the pages at VMs' addresses into a folder, a script and a style for each. */
export async function buildVmPages(folder: string, stamp: string): Promise<void> {
  await replaceFolder(folder, stamp, async (outDir) => {
    for (const name of PAGES) {
      await buildForBrowsers({
        root: 'vm-pages',
        outDir,
        rolldownOptions: {
          input: inProject(`vm-pages/${name}/${name}.ts`),
          output: { entryFileNames: `${name}.js`, assetFileNames: `${name}[extname]` },
        },
      });
    }
  });
}
