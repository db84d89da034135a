import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { QUIET } from '../../scripts/prepare/npm-packages.js';
import { inProject } from '../../scripts/prepare/project.js';
import { PrepareFailure } from '../../scripts/prepare/report.js';
import { runCommand } from '../../scripts/prepare/run-command.js';
import { readTree } from '../images/context/build-context.ts';

/** Where the packed gateway stands with what it depends on. */
export const STAGED = '.runtime/gateway-package';

/** What is in it, or makes what is in it. */
const SOURCES = ['src', 'migrations', 'dashboard', 'deploy', 'package.json', 'package-lock.json', 'schema.graphql'];

/**
 * Packs the gateway, unpacks it and installs its dependencies beside it, by the hashes of package-lock.json. Does
 * nothing if none of its sources is newer.
 */
export async function stageGateway(): Promise<void> {
  if (isCurrent()) return;
  const [kept, unfinished] = [inProject(STAGED), inProject(`${STAGED}.${process.pid}`)];
  mkdirSync(unfinished, { recursive: true });
  try {
    await runCommand({
      title: 'Packing the gateway (npm pack)',
      command: 'npm',
      args: ['pack', ...QUIET, '--pack-destination', unfinished],
      deadline: 300,
      cwd: inProject('.'),
    });
    const archive = readdirSync(unfinished).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new PrepareFailure('npm pack made no archive.');
    await runCommand({ title: 'Unpacking it', command: 'tar', args: ['xzf', archive], deadline: 60, cwd: unfinished });
    const unpacked = path.join(unfinished, 'package');
    cpSync(inProject('package-lock.json'), path.join(unpacked, 'package-lock.json'));
    await runCommand({
      title: 'Installing what it depends on (npm ci)',
      command: 'npm',
      args: ['ci', '--omit=dev', '--ignore-scripts', ...QUIET],
      deadline: 300,
      cwd: unpacked,
    });
    rmSync(kept, { recursive: true, force: true });
    // Renamed as a whole, so that a killed one is never taken for a finished one.
    renameSync(unpacked, kept);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function isCurrent(): boolean {
  const stagedAt = statSync(inProject(STAGED), { throwIfNoEntry: false })?.ctimeMs ?? 0;
  return SOURCES.flatMap((source) => readTree(inProject(source), '', new Set(), 'gateway')).every(
    ({ file }) => statSync(file).mtimeMs < stagedAt,
  );
}
