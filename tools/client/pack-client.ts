import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { inProject } from '../../scripts/prepare/project.js';

/** Builds client/dist and packs the package into a folder. Returns the archive's path. */
export function packClient(folder: string): string {
  rmSync(inProject('client/dist'), { recursive: true, force: true });
  run(process.execPath, [inProject('node_modules/typescript/bin/tsc'), '-p', inProject('client/tsconfig.build.json')]);
  // The compiler leaves declarations where they are.
  copyFileSync(inProject('client/src/schema.d.ts'), inProject('client/dist/schema.d.ts'));
  const name = run('npm', ['pack', '--silent', '--pack-destination', folder]).trim();
  return path.join(folder, name);
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: inProject('client'), encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${path.basename(program)} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}
