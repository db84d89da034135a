import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { inProject } from '../../scripts/prepare/project.js';

/** Changes whenever the built pages would: with its sources, the schema, the packages and the build itself. */
export function dashboardStamp(): string {
  const hash = createHash('sha256');
  const sources = globSync(['dashboard/**', 'vm-pages/**', 'tools/dashboard/*'], { cwd: inProject() });
  for (const name of [...sources, 'schema.graphql', 'package-lock.json'].toSorted()) {
    if (statSync(inProject(name)).isFile()) hash.update(`${name}\0`).update(readFileSync(inProject(name)));
  }
  return hash.digest('hex');
}
