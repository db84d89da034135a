import { oneAtATime } from './one-at-a-time.js';
import { PrepareFailure, say } from './report.js';

/**
 * What this machine lacks for a purpose.
 *
 * @typedef {object} Need
 * @property {string} why What is to be installed or done, and for what.
 * @property {boolean} [quiet] Nothing that a person needs to hear of.
 * @property {string} [impossible] Why it cannot be done here, with the way out.
 * @property {() => Promise<void>} [install] Called first.
 * @property {readonly string[]} [debianPackages] Installed next, those of all needs at once.
 * @property {() => Promise<void>} [start] Called last.
 *
 * @typedef {() => Need | undefined | Promise<Need | undefined>} Check Undefined when nothing is missing.
 */

/**
 * Finds what is missing, says it, and does it; under SWIFTOR_NO_INSTALL=1 it only says it. Rejects with a
 * PrepareFailure when something is missing then, or cannot be had.
 *
 * @param {readonly Check[]} checks
 * @param {(packages: readonly string[]) => Promise<void>} [installDebianPackages]
 */
export async function meetNeeds(checks, installDebianPackages = async () => undefined) {
  const missing = await findMissing(checks);
  if (missing.length === 0) return;
  if (process.env['SWIFTOR_NO_INSTALL'] === '1') explain(missing);
  // Looked at again under the lock: another process may have done the work while it held it.
  await oneAtATime(async () => install(await findMissing(checks), installDebianPackages));
}

/** @param {readonly Check[]} checks */
async function findMissing(checks) {
  const found = [];
  for (const check of checks) found.push(await check());
  return found.filter((need) => need !== undefined);
}

/**
 * @param {readonly Need[]} missing
 * @returns {never}
 */
function explain(missing) {
  for (const need of missing) {
    say(`missing: ${need.why}`);
    if (need.impossible !== undefined) say(`  ${need.impossible}`);
  }
  throw new PrepareFailure('Nothing was changed, as SWIFTOR_NO_INSTALL=1 is set. Unset it to have this done.');
}

/**
 * @param {readonly Need[]} missing
 * @param {(packages: readonly string[]) => Promise<void>} installDebianPackages
 */
async function install(missing, installDebianPackages) {
  for (const need of missing) if (!need.quiet) say(`needed: ${need.why}`);
  const impossible = missing.flatMap((need) => need.impossible ?? []);
  if (impossible.length > 0) throw new PrepareFailure(impossible.join('\n'));

  for (const need of missing) await need.install?.();
  const debianPackages = missing.flatMap((need) => need.debianPackages ?? []);
  if (debianPackages.length > 0) await installDebianPackages(debianPackages);
  for (const need of missing) await need.start?.();
}
