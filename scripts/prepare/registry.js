import { existsSync } from 'node:fs';
import { extractFromDebianPackage, hasApt } from './apt.js';
import { findDaemon } from './find-program.js';
import { inProject } from './project.js';
import { canBecomeRoot } from './run-command.js';

const NAME = 'docker-registry';
const BINARY = inProject('.runtime', NAME);

/**
 * What is to be done so that tests have a container registry to pull from; undefined when nothing is. Only the program is
 * taken out of Debian's package: installed, the package would start a registry on port 5000, now and at each boot.
 */
export function checkRegistry() {
  if (!hasApt() || existsSync(BINARY) || findDaemon(NAME) !== undefined) return undefined;
  const why = `the program of Debian's ${NAME} into .runtime: the tests pull images from a registry of their own`;
  return canBecomeRoot()
    ? { why, install: () => extractFromDebianPackage({ debianPackage: NAME, file: `usr/bin/${NAME}`, target: BINARY }) }
    : { why, impossible: `Run "sudo apt-get install ${NAME}".` };
}
