import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BASE } from '../../../images/recipes.ts';
import { findDaemon } from '../../../scripts/prepare/find-program.js';
import { PrepareFailure, say, showProgress } from '../../../scripts/prepare/report.js';
import { canBecomeRoot, runAsRoot } from '../../../scripts/prepare/run-command.js';
import { pullImage } from '../../../src/engine/docker/images/pull-image.ts';
import type { ToolEngine } from '../../engine.ts';
import { hasApt, installDebianPackages } from '../../prepare/apt.ts';
import { toAptOptions, toSourceLines } from './apt-sources.ts';
import type { EngineLine } from './build-progress.ts';
import { findOnEngine } from '../image-state.ts';
import { readEngineLines } from './read-engine-lines.ts';
import { isInRegistry } from '../registry.ts';

const PULL_MS = 120_000;
const PULL_SILENCE_MS = 20_000;
const IMPORT_MS = 120_000;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * The image that recipes build on: the operator's choice, what the engine has, a registry's, or one made of Debian's
 * packages.
 */
export async function ensureBase(engine: ToolEngine, signal: AbortSignal): Promise<string> {
  const chosen = process.env['IMAGES_BASE'];
  if (chosen) return chosen;
  for (const imageRef of [BASE.registryRef, BASE.imageRef]) if (await findOnEngine(engine, imageRef)) return imageRef;
  if ((await isInRegistry(engine, BASE.registryRef)) && (await pull(engine, BASE.registryRef, signal)))
    return BASE.registryRef;
  await make(engine, signal);
  return BASE.imageRef;
}

/** Whether `ensureBase` has nothing to do. */
export async function hasBase(engine: ToolEngine): Promise<boolean> {
  if (process.env['IMAGES_BASE']) return true;
  return Boolean((await findOnEngine(engine, BASE.registryRef)) ?? (await findOnEngine(engine, BASE.imageRef)));
}

async function pull(engine: ToolEngine, imageRef: string, signal: AbortSignal): Promise<boolean> {
  const done = showProgress(`Pulling ${imageRef}`);
  const tools = { ...engine, stallMilliseconds: PULL_SILENCE_MS };
  try {
    await pullImage(tools, imageRef, AbortSignal.any([signal, AbortSignal.timeout(PULL_MS)]), () => undefined);
    done('done');
    return true;
  } catch (error) {
    done(`failed, ${error instanceof Error ? error.message : String(error)}`);
    signal.throwIfAborted();
    return false;
  }
}

async function make(engine: ToolEngine, signal: AbortSignal): Promise<void> {
  await ensureTools();
  const folder = mkdtempSync(path.join(tmpdir(), 'swiftor-base-'));
  const archive = path.join(folder, 'debian.tar');
  try {
    await runAsRoot({
      title: `Making ${BASE.imageRef} of Debian's packages (mmdebstrap), about ${BASE.seconds} s`,
      command: 'mmdebstrap',
      args: [...bootstrapOptions(), BASE.suite, archive, ...sourceLines()],
      deadline: 600,
    });
    await importImage(engine, archive, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ensureTools(): Promise<void> {
  const packages = [
    ...(findDaemon('mmdebstrap') === undefined ? ['mmdebstrap'] : []),
    ...(existsSync(KEYRING) ? [] : ['debian-archive-keyring']),
  ];
  const why = `No registry gives ${BASE.registryRef}, and making it needs`;
  if (!hasApt())
    throw new PrepareFailure(
      `${why} a Debian or Ubuntu machine. Set IMAGES_BASE to an image of Debian 12 that the engine has.`,
    );
  if (!canBecomeRoot())
    throw new PrepareFailure(`${why} root's rights. Run this with sudo, or set IMAGES_BASE to an image of Debian 12.`);
  if (packages.length === 0) return;
  say(`needed: Debian's ${packages.join(', ')}, to make a base image where no registry gives one`);
  await installDebianPackages(packages);
}

function sourceLines(): readonly string[] {
  const targets = execFileSync('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)|$(RELEASE)|$(COMPONENT)',
    'Created-By: Packages',
  ]);
  const isDebian = /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  return toSourceLines(targets.toString(), BASE.suite, isDebian);
}

function bootstrapOptions(): readonly string[] {
  const ownOptions = toAptOptions(execFileSync('apt-config', ['dump']).toString());
  const options = [
    'Acquire::Languages "none"',
    'Acquire::GzipIndexes "true"',
    'APT::Install-Recommends "false"',
    'APT::Install-Suggests "false"',
    ...ownOptions,
  ];
  const hooks = [
    // No service is started in a container that is being built, nor is anything there worth a sync to the disk.
    'printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"',
    'echo force-unsafe-io > "$1/etc/dpkg/dpkg.cfg.d/docker-speedup"',
    'rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*.log "$1"/var/log/apt',
    'mkdir -p "$1"/var/lib/apt/lists/partial "$1"/var/cache/apt/archives/partial',
  ];
  const leftOut = ['man', 'locale', 'doc', 'info', 'lintian'].map((folder) => `path-exclude=/usr/share/${folder}/*`);
  // The licences ask for the copyright files.
  const kept = ['path-include=/usr/share/locale/locale.alias', 'path-include=/usr/share/doc/*/copyright'];
  return [
    '--variant=minbase',
    '--mode=root',
    '--quiet',
    // Without these, usrmerge would bring the whole of Perl.
    `--include=usr-is-merged${sourceLines().some((line) => line.includes('https:')) ? ',ca-certificates' : ''}`,
    '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr',
    ...[...leftOut, ...kept].map((option) => `--dpkgopt=${option}`),
    ...options.map((option) => `--aptopt=${option}`),
    ...hooks.map((hook) => `--customize-hook=${hook}`),
  ];
}

async function importImage({ docker, call }: ToolEngine, archive: string, signal: AbortSignal): Promise<void> {
  const [repo, tag] = BASE.imageRef.split(':');
  const changes = ['CMD ["bash"]', 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  const answer = {
    what: `import the image "${BASE.imageRef}"`,
    call,
    milliseconds: IMPORT_MS,
    silenceMilliseconds: IMPORT_MS,
    open: (abortSignal: AbortSignal) =>
      docker.importImage(createReadStream(archive), { repo, tag, changes, abortSignal }),
    onLine: ({ error }: EngineLine) => {
      if (error !== undefined) throw new PrepareFailure(`The engine did not take ${BASE.imageRef}: ${error}`);
    },
  };
  await readEngineLines(answer, signal);
}
