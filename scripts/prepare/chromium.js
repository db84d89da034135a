import { hasApt, isUnpacked } from './apt.js';
import { canBecomeRoot } from './run-command.js';

const PACKAGES = ['chromium', 'fonts-dejavu-core'];

/** What is to be done so that tests can open pages as people do; undefined when nothing is. */
export function checkChromium() {
  const missing = PACKAGES.filter((name) => !isUnpacked(name));
  if (!hasApt() || missing.length === 0) return undefined;
  const why = `Debian's ${missing.join(' and ')}: the tests open pages in a real browser`;
  return canBecomeRoot() ? { why, debianPackages: missing } : { why, impossible: `Run "sudo apt-get install ${missing.join(' ')}".` };
}
