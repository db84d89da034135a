import { hasApt, isUnpacked } from './apt.js';
import { canBecomeRoot } from './run-command.js';

const PACKAGE = 'busybox-static';

/** What is to be done so that tests can make their tiny image without a registry; undefined when nothing is. */
export function checkBusybox() {
  if (!hasApt() || isUnpacked(PACKAGE)) return undefined;
  const why = `Debian's ${PACKAGE}: the tests make their container image of it`;
  return canBecomeRoot() ? { why, debianPackages: [PACKAGE] } : { why, impossible: `Run "sudo apt-get install ${PACKAGE}".` };
}
