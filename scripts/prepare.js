/**
 * Makes a machine ready: `node scripts/prepare.js serve|test|bench|chaos|packages`. Runs on any Node from 18 on, before anything
 * is installed, and so uses nothing but Node. Silent when nothing is missing; SWIFTOR_NO_INSTALL=1 makes it only
 * explain what is, with exit code 1.
 */
import { checkTestImages } from './images/check-test-images.js';
import { explainDesktop, offerDesktop } from './images/desktop-offer.js';
import { installDebianPackages } from './prepare/apt.js';
import { checkBusybox } from './prepare/busybox.js';
import { checkChromium } from './prepare/chromium.js';
import { checkEngine } from './prepare/engine.js';
import { checkNginx, checkWrk } from './prepare/load-tools.js';
import { checkNodeRuntime } from './prepare/node-runtime.js';
import { checkNpmPackages } from './prepare/npm-packages.js';
import { oneAtATime } from './prepare/one-at-a-time.js';
import { DEFAULT_SOCKET } from './prepare/engine-endpoint.js';
import { checkRegistry } from './prepare/registry.js';
import { checkShellcheck } from './prepare/shellcheck.js';
import { PrepareFailure, say } from './prepare/report.js';

const PURPOSES = {
  packages: [checkNodeRuntime, checkNpmPackages],
  serve: [checkNodeRuntime, checkNpmPackages, ...(needsLocalEngine() ? [checkEngine] : [])],
  // The images come last: they are built with what the others bring.
  bench: [checkNodeRuntime, checkNpmPackages, checkEngine, checkBusybox, checkNginx, checkWrk],
  // Its own engine needs what this machine's does.
  chaos: [checkNodeRuntime, checkNpmPackages, checkEngine, checkBusybox],
  test: [checkNodeRuntime, checkNpmPackages, checkEngine, checkBusybox, checkShellcheck, checkRegistry, checkChromium, checkTestImages],
};

/** REGIONS may name other machines' engines only. */
function needsLocalEngine() {
  const regions = process.env.REGIONS ?? '';
  return regions === '' || regions.includes(DEFAULT_SOCKET);
}

async function findMissing(purpose) {
  const found = [];
  for (const check of PURPOSES[purpose]) found.push(await check());
  return found.filter((need) => need !== undefined);
}

async function main(purpose) {
  if (!Object.hasOwn(PURPOSES, purpose ?? '')) throw new PrepareFailure('usage: node scripts/prepare.js serve|test|bench|chaos|packages');
  const onlyExplain = process.env.SWIFTOR_NO_INSTALL === '1';
  const missing = await findMissing(purpose);
  if (missing.length > 0 && onlyExplain) explain(missing);
  // Looked at again under the lock: whoever held it may have done the work.
  if (missing.length > 0) await oneAtATime(async () => install(await findMissing(purpose)));
  if (purpose !== 'serve' || !needsLocalEngine()) return;
  if (onlyExplain) await explainDesktop();
  // The shell that called this becomes the gateway.
  else await offerDesktop(process.ppid);
}

function explain(missing) {
  for (const need of missing) {
    say(`missing: ${need.why}`);
    if (need.impossible !== undefined) say(`  ${need.impossible}`);
  }
  throw new PrepareFailure('Nothing was changed, as SWIFTOR_NO_INSTALL=1 is set. Unset it to have this done.');
}

async function install(missing) {
  for (const need of missing.filter((each) => !each.quiet)) say(`needed: ${need.why}`);
  const impossible = missing.filter((need) => need.impossible !== undefined);
  if (impossible.length > 0) throw new PrepareFailure(impossible.map((need) => need.impossible).join('\n'));

  for (const need of missing) await need.install?.();
  const debianPackages = missing.flatMap((need) => need.debianPackages ?? []);
  if (debianPackages.length > 0) await installDebianPackages(debianPackages);
  for (const need of missing) await need.start?.();
}

try {
  await main(process.argv[2]);
} catch (error) {
  // An expected failure is a message, any other is our mistake and shows where.
  say(error instanceof PrepareFailure ? error.message : error.stack);
  process.exitCode = 1;
}
