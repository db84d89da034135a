import { existsSync, statSync } from 'node:fs';
import type { Need } from '../../scripts/prepare/meet-needs.js';
import { QUIET } from '../../scripts/prepare/npm-packages.js';
import { inProject } from '../../scripts/prepare/project.js';
import { runCommand } from '../../scripts/prepare/run-command.js';

const LOCK = inProject('bench/peers/package-lock.json');
/** npm writes it last. */
const INSTALLED = inProject('bench/peers/node_modules/.package-lock.json');

/**
 * The servers that the bench measures beside the gateway. They have packages of their own, which the gateway never
 * uses.
 */
export function checkBenchPeers(): Need | undefined {
  if (existsSync(INSTALLED) && statSync(INSTALLED).mtimeMs >= statSync(LOCK).mtimeMs) return undefined;
  return {
    why: 'npm packages into bench/peers: the bench measures lists beside other servers',
    install: () =>
      runCommand({
        title: 'Installing the npm packages of the bench',
        command: 'npm',
        args: ['ci', '--ignore-scripts', ...QUIET],
        deadline: 600,
        cwd: inProject('bench/peers'),
      }),
  };
}
