import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { inProject } from '../../scripts/prepare/project.js';

/** What a bundle cannot hold: they load native code and files beside theirs, or are shared with an operator's modules. */
const EXTERNAL = [
  'dockerode',
  'pino',
  'pino-pretty',
  '@opentelemetry/api',
  'bufferutil',
  'utf-8-validate',
  'pg-native',
];

const SCRIPTS = 'src/engine/docker/shell';

/**
 * Bundles the server with its packages into `src` and `migrations` of a folder, because loading 2,200 modules takes
 * most of a start. `stamp` becomes src/.built-for. A killed build leaves nothing half made.
 */
export async function buildServer(folder: string, stamp: string): Promise<void> {
  const unfinished = path.join(folder, `server.${process.pid}`);
  try {
    await bundle(unfinished);
    const scripts = (await readdir(inProject(SCRIPTS))).filter((name) => name.endsWith('.sh'));
    await mkdir(path.join(unfinished, SCRIPTS), { recursive: true });
    for (const name of scripts) await cp(inProject(SCRIPTS, name), path.join(unfinished, SCRIPTS, name));
    await writeFile(path.join(unfinished, 'src/.built-for'), stamp);
    // The stamp comes last.
    for (const part of ['migrations', 'src']) {
      await rm(path.join(folder, part), { recursive: true, force: true });
      await rename(path.join(unfinished, part), path.join(folder, part));
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function bundle(dir: string): Promise<void> {
  const migrations = (await readdir(inProject('migrations'))).map((name) => path.parse(name).name);
  const build = await rolldown({
    cwd: inProject(),
    platform: 'node',
    input: {
      'src/cli': 'src/cli.ts',
      ...Object.fromEntries(migrations.map((name) => [`migrations/${name}`, `migrations/${name}.ts`])),
    },
    external: EXTERNAL,
    logLevel: 'silent',
  });
  try {
    await build.write({ dir, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'src/[name]-[hash].js' });
  } finally {
    await build.close();
  }
}
