import { existsSync, statSync } from 'node:fs';
import type { Check } from '../../scripts/prepare/meet-needs.js';
import { QUIET } from '../../scripts/prepare/npm-packages.js';
import { inProject } from '../../scripts/prepare/project.js';
import { runCommand } from '../../scripts/prepare/run-command.js';

/** Checks the packages of a folder that has its own, which the gateway never uses. `why` says what they are for. */
export function checkOwnPackages(folder: string, why: string): Check {
  const lock = inProject(folder, 'package-lock.json');
  // npm writes it last.
  const installed = inProject(folder, 'node_modules/.package-lock.json');
  return () => {
    if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return undefined;
    return {
      why: `npm packages into ${folder}: ${why}`,
      install: () =>
        runCommand({
          title: `Installing the npm packages of ${folder}`,
          command: 'npm',
          args: ['ci', '--ignore-scripts', ...QUIET],
          deadline: 600,
          cwd: inProject(folder),
        }),
    };
  };
}
