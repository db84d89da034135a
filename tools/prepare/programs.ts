import { existsSync } from 'node:fs';
import path from 'node:path';
import { findDaemon } from '../../scripts/prepare/find-program.js';
import type { Need } from '../../scripts/prepare/meet-needs.js';
import { inProject } from '../../scripts/prepare/project.js';
import { canBecomeRoot } from '../../scripts/prepare/run-command.js';
import { extractFromDebianPackage, hasApt } from './apt.ts';

/**
 * A check that the program of a Debian package is in .runtime or installed; `purpose` says what for. Only the program
 * is taken out of the package: installed, the package would start its service, now and at each boot.
 */
const program = (debianPackage: string, file: string, purpose: string) => (): Need | undefined => {
  const name = path.basename(file);
  const target = inProject('.runtime', name);
  if (!hasApt() || existsSync(target) || findDaemon(name) !== undefined) return undefined;
  const why = `the program of Debian's ${debianPackage} into .runtime: ${purpose}`;
  return canBecomeRoot()
    ? { why, install: () => extractFromDebianPackage({ debianPackage, file, target }) }
    : { why, impossible: `Run "sudo apt-get install ${debianPackage}".` };
};

export const checkRegistry = program(
  'docker-registry',
  'usr/bin/docker-registry',
  'the tests pull images from a registry of their own',
);
export const checkNginx = program('nginx', 'usr/sbin/nginx', 'the bench measures the ingress beside it');
export const checkPebble = program('pebble', 'usr/bin/pebble', 'the tests order certificates from it');
export const checkPebbleDns = program('pebble', 'usr/bin/pebble-challtestsrv', 'the tests prove names to it over DNS');
