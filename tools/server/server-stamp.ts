import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { inProject } from '../../scripts/prepare/project.js';

/** Changes whenever the bundled server would: with its sources, the packages and the build itself. */
export function serverStamp(): string {
  const hash = createHash('sha256');
  for (const name of globSync(['src/**', 'migrations/*', 'tools/server/*', 'package-lock.json'], {
    cwd: inProject(),
  }).toSorted()) {
    if (statSync(inProject(name)).isFile()) hash.update(`${name}\0`).update(readFileSync(inProject(name)));
  }
  return hash.digest('hex');
}
