import { globSync } from 'node:fs';
import { inProject } from '../../scripts/prepare/project.js';

/** Every operation of the dashboard by its name, with the text that the page sends. */
export async function readOperations(): Promise<Record<string, string>> {
  const names = globSync('dashboard/api/*.ts', { cwd: inProject(), exclude: ['**/*.d.ts'] }).toSorted();
  const modules = await Promise.all(names.map((name): Promise<object> => import(inProject(name))));
  const texts = modules.flatMap((each) => Object.values(each)).filter((value) => typeof value === 'string');
  return Object.fromEntries(
    texts.flatMap((text) => {
      const [, name] = /^(?:query|mutation|subscription) (\w+)/.exec(text) ?? [];
      return name === undefined ? [] : [[name, text] as const];
    }),
  );
}
