import { existsSync } from 'node:fs';
import { extractFromDebianPackage, hasApt, isUnpacked } from './apt.js';
import { findDaemon } from './find-program.js';
import { inProject } from './project.js';
import { canBecomeRoot } from './run-command.js';

const NGINX = inProject('.runtime', 'nginx');

/**
 * What is to be done so that the bench can measure the ingress beside nginx; undefined when nothing is. Of nginx only the program: installed,
 * it would serve on port 80, now and at each boot.
 */
export function checkNginx() {
  if (!hasApt() || existsSync(NGINX) || findDaemon('nginx') !== undefined) return undefined;
  const why = "the program of Debian's nginx into .runtime: the bench measures the ingress beside it";
  return canBecomeRoot()
    ? { why, install: () => extractFromDebianPackage({ debianPackage: 'nginx', file: 'usr/sbin/nginx', target: NGINX }) }
    : { why, impossible: 'Run "sudo apt-get install nginx".' };
}

/** The same for wrk, which makes the load and needs less of the machine for it than what it measures; it brings the libraries of nginx too. */
export function checkWrk() {
  if (!hasApt() || isUnpacked('wrk')) return undefined;
  const why = "Debian's wrk: the bench makes its load for the ingress with it";
  return canBecomeRoot() ? { why, debianPackages: ['wrk'] } : { why, impossible: 'Run "sudo apt-get install wrk".' };
}
