import { hasApt, isUnpacked } from './apt.js';
import { canBecomeRoot } from './run-command.js';

const PACKAGE = 'shellcheck';

/** What is to be done so that tests can check shell scripts; undefined when nothing is. */
export function checkShellcheck() {
  if (!hasApt() || isUnpacked(PACKAGE)) return undefined;
  const why = `Debian's ${PACKAGE}: a test checks the shell scripts with it`;
  return canBecomeRoot() ? { why, debianPackages: [PACKAGE] } : { why, impossible: `Run "sudo apt-get install ${PACKAGE}".` };
}
