import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { inProject, projectRoot } from './project.js';
import { runCommand } from './run-command.js';

export const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

const STAMP = inProject('node_modules/.installed-for');

/**
 * What is to be done so that node_modules is what package-lock.json says on this platform; undefined when it is.
 *
 * @type {import('./meet-needs.js').Check}
 */
export function checkNpmPackages() {
  const wanted = fingerprint();
  if (readStamp() === wanted) return undefined;
  return {
    why: 'npm packages into node_modules: they are missing or do not match package-lock.json',
    install: async () => {
      await runCommand({
        title: 'Installing npm packages',
        command: 'npm',
        // Not `npm ci`: it refuses a lock file that lacks packages of other platforms, which registries do not all
        // have. With --no-save, the lock file decides and stays as it is. Install scripts of packages are not run.
        // Tests need the development packages even with NODE_ENV=production.
        args: ['install', '--no-save', '--ignore-scripts', '--include=dev', '--include=optional', ...QUIET],
        deadline: 600,
        cwd: projectRoot,
      });
      writeFileSync(STAMP, `${wanted}\n`);
    },
  };
}

function fingerprint() {
  const hash = createHash('sha256').update(readFileSync(inProject('package-lock.json')));
  return hash.update(`${process.platform}-${process.arch}`).digest('hex');
}

function readStamp() {
  try {
    return readFileSync(STAMP, 'utf8').trim();
  } catch {
    return undefined;
  }
}
