/**
 * The second part of scripts/prepare.js, which calls it: `prepare.ts serve GATEWAY_PID`, `bench`, `chaos`, `openapi` or
 * `test FILE...`.
 */
import { meetNeeds, type Check, type Need } from '../../scripts/prepare/meet-needs.js';
import { DEFAULT_SOCKET } from '../engine-endpoint.ts';
import { offerDesktop } from '../images/desktop-offer.ts';
import { sayToolFailure } from '../say-failure.ts';
import { installDebianPackages } from './apt.ts';
import { checkDashboard, checkServer } from './built.ts';
import {
  checkBusybox,
  checkChromium,
  checkCompose,
  checkFaketime,
  checkNamespaceTools,
  checkShellcheck,
  checkWrk,
} from './debian-packages.ts';
import { checkEngine } from './engine.ts';
import { needsOfFiles, type TestNeeds } from './needs-of-files.ts';
import { checkOwnPackages } from './own-packages.ts';
import { checkPostgresUser } from './postgres-user.ts';
import { checkNginx, checkPebble, checkPebbleDns, checkRegistry } from './programs.ts';

const ENGINE_TESTS = [
  checkPostgresUser,
  checkEngine,
  checkBusybox,
  checkNamespaceTools,
  checkShellcheck,
  checkRegistry,
  checkPebble,
  checkPebbleDns,
  checkCompose,
];
const TEST_CHECKS: Readonly<Record<TestNeeds, readonly Check[]>> = {
  nothing: [checkPostgresUser],
  engine: ENGINE_TESTS,
  // The images come last: they are built with what the others bring.
  everything: [...ENGINE_TESTS, checkDashboard, checkChromium, checkTestImages],
};

const BENCH_PEERS = checkOwnPackages('bench/lists/peers', 'the bench measures lists beside other servers');
const OPENAPI_TOOLS = checkOwnPackages('tools/openapi', 'linters, generators and a proxy for the OpenAPI document');

/** REGIONS may name other machines' engines only. */
function needsLocalEngine(): boolean {
  const regions = process.env['REGIONS'] ?? '';
  return regions === '' || regions.includes(DEFAULT_SOCKET);
}

async function prepareToServe(gatewayPid: number): Promise<void> {
  const checks = [
    checkServer,
    ...(process.env['DASHBOARD'] === '0' ? [] : [checkDashboard]),
    ...((process.env['DATABASE_URL'] ?? '') === '' ? [checkPostgresUser] : []),
    ...(needsLocalEngine() ? [checkEngine] : []),
  ];
  await meetNeeds(checks, installDebianPackages);
  if (!needsLocalEngine()) return;
  if (process.env['SWIFTOR_NO_INSTALL'] !== '1') return offerDesktop(gatewayPid);
  const { explainDesktop } = await import('../images/explain-desktop.ts');
  await explainDesktop();
}

/** Loaded where it is needed, as above: a start loads no client of the engine. */
async function checkTestImages(): Promise<Need | undefined> {
  const images = await import('./test-images.ts');
  return images.checkTestImages();
}

const PURPOSES: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  serve: ([gatewayPid]) => prepareToServe(Number(gatewayPid)),
  test: (files) => meetNeeds(TEST_CHECKS[needsOfFiles(files)], installDebianPackages),
  bench: () =>
    meetNeeds([checkPostgresUser, checkEngine, checkBusybox, checkNginx, checkWrk, BENCH_PEERS], installDebianPackages),
  openapi: () => meetNeeds([checkPostgresUser, OPENAPI_TOOLS], installDebianPackages),
  // Its own engine needs what this machine's does.
  chaos: () => meetNeeds([checkPostgresUser, checkEngine, checkBusybox, checkFaketime], installDebianPackages),
};

const [purpose = '', ...args] = process.argv.slice(2);
try {
  await PURPOSES[purpose]?.(args);
} catch (error) {
  sayToolFailure(error);
  process.exitCode = 1;
}
