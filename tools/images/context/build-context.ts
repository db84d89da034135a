import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Recipe } from '../../../images/recipes.ts';
import { inProject } from '../../../scripts/prepare/project.js';
import { PrepareFailure } from '../../../scripts/prepare/report.js';

/** Not part of what an image is made of. */
const LEFT_OUT: ReadonlySet<string> = new Set(['tests', '__pycache__']);

/** A file that a build sends to the engine. */
export interface ContextFile {
  /** In the context. */
  readonly path: string;
  readonly mode: number;
  /** On this machine. */
  readonly file: string;
}

/** The project's files that a recipe sends to the engine, in the order of their paths. */
export function readContext({ name, files }: Pick<Recipe, 'name' | 'files'>): readonly ContextFile[] {
  return files
    .flatMap(([from, to]) => readTree(inProject(from), to, LEFT_OUT, name))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Changes whenever the image that the recipe makes does, but for newer packages and another base. */
export function digestOf(recipe: Recipe): string {
  const hash = createHash('sha256').update(JSON.stringify([recipe.args, recipe.npm]));
  for (const { path, mode, file } of readContext(recipe)) {
    const data = readFileSync(file);
    hash.update(JSON.stringify([path, mode, data.length])).update(data);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The files below `file`, or it itself, as entries below `to`. Links are followed. */
export function readTree(file: string, to: string, leftOut: ReadonlySet<string>, name: string): readonly ContextFile[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new PrepareFailure(`${file}, which the image "${name}" is made of, is missing. Run "npm install".`);
  if (!stat.isDirectory()) return [{ path: to, mode: stat.mode & 0o111 ? 0o755 : 0o644, file }];
  const names = readdirSync(file).filter((each) => !leftOut.has(each));
  return names.flatMap((each) => readTree(path.join(file, each), to === '' ? each : `${to}/${each}`, leftOut, name));
}
