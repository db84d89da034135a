import type { Need } from '../../scripts/prepare/meet-needs.js';
import { canBecomeRoot } from '../../scripts/prepare/run-command.js';
import { hasApt, isUnpacked } from './apt.ts';

/** A check that Debian's packages are installed; `purpose` says what for. Where there is no apt, nothing is missed. */
const packages = (names: readonly string[], purpose: string) => (): Need | undefined => {
  const missing = names.filter((name) => !isUnpacked(name));
  if (!hasApt() || missing.length === 0) return undefined;
  const why = `Debian's ${missing.join(' and ')}: ${purpose}`;
  return canBecomeRoot()
    ? { why, debianPackages: missing }
    : { why, impossible: `Run "sudo apt-get install ${missing.join(' ')}".` };
};

export const checkBusybox = packages(['busybox-static'], 'the tests make their container image of it');
export const checkChromium = packages(['chromium', 'fonts-dejavu-core'], 'the tests open pages in a real browser');
export const checkCompose = packages(['docker-compose'], 'a test runs the gateway by its compose.yaml');
export const checkFaketime = packages(['faketime'], 'the chaos run sets the clock of a gateway with it');
export const checkNamespaceTools = packages(
  ['iproute2', 'procps', 'curl'],
  'the tests join engines in namespaces to a swarm with them',
);
export const checkShellcheck = packages(['shellcheck'], 'a test checks the shell scripts with it');
/** It needs less of the machine than what it measures, and brings the libraries of nginx too. */
export const checkWrk = packages(['wrk'], 'the bench makes its load for the ingress with it');
