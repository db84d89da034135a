/**
 * Makes a machine ready: `node scripts/prepare.js serve|test|bench|chaos|openapi|packages`, for test with the files that are to
 * be run. Silent when nothing is missing; SWIFTOR_NO_INSTALL=1 makes it only explain what is, with exit code 1.
 *
 * This part runs on any Node from 20 on, before anything is installed, and so uses nothing but Node. It gets a Node
 * that runs TypeScript and the npm packages; tools/prepare does the rest with them.
 */
import { spawnSync } from 'node:child_process';
import { meetNeeds } from './prepare/meet-needs.js';
import { checkNodeRuntime } from './prepare/node-runtime.js';
import { checkNpmPackages } from './prepare/npm-packages.js';
import { inProject } from './prepare/project.js';
import { PrepareFailure, sayFailure } from './prepare/report.js';

/** @param {readonly string[]} args */
async function main([purpose = '', ...files]) {
  if (!['serve', 'test', 'bench', 'chaos', 'openapi', 'packages'].includes(purpose)) {
    throw new PrepareFailure('usage: node scripts/prepare.js serve|test|bench|chaos|openapi|packages');
  }
  await meetNeeds([checkNodeRuntime, checkNpmPackages]);
  if (purpose === 'packages') return;
  // The shell that called this becomes the gateway.
  const args = purpose === 'serve' ? [String(process.ppid)] : files;
  // Compiling the modules anew would take most of the time when nothing is missing.
  const env = { ...process.env, NODE_COMPILE_CACHE: inProject('.runtime/compile-cache') };
  const script = inProject('tools/prepare/prepare.ts');
  const rest = spawnSync(inProject('.runtime/node'), [script, purpose, ...args], { stdio: 'inherit', env });
  if (rest.error !== undefined) throw rest.error;
  process.exitCode = rest.status ?? 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  sayFailure(error);
  process.exitCode = 1;
}
