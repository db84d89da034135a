import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BASE } from '../../images/recipes.js';
import { hasApt, installDebianPackages } from '../prepare/apt.js';
import { findDaemon } from '../prepare/find-program.js';
import { canBecomeRoot, runAsRoot } from '../prepare/run-command.js';
import { PrepareFailure, say, showProgress } from '../prepare/report.js';
import { toAptOptions, toSourceLines } from './apt-sources.js';
import { callEngine, findImage, readLines } from './engine-call.js';
import { isInRegistry } from './registry.js';

const PULL_SECONDS = 120;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The image that recipes build on: the operator's choice, what the engine has, a registry's, or one made of Debian's packages. */
export async function ensureBase() {
  const chosen = process.env.IMAGES_BASE;
  if (chosen) return chosen;
  for (const imageRef of [BASE.registryRef, BASE.imageRef]) if (await findImage(imageRef)) return imageRef;
  if ((await isInRegistry(BASE.registryRef)) && (await pull(BASE.registryRef))) return BASE.registryRef;
  await make();
  return BASE.imageRef;
}

/** Whether `ensureBase` has nothing to do. */
export async function hasBase() {
  if (process.env.IMAGES_BASE) return true;
  return Boolean((await findImage(BASE.registryRef)) ?? (await findImage(BASE.imageRef)));
}

async function pull(imageRef) {
  const done = showProgress(`Pulling ${imageRef}`);
  const [name, tag] = imageRef.split(':');
  try {
    const signal = AbortSignal.timeout(PULL_SECONDS * 1000);
    const response = await callEngine({ method: 'POST', path: `/images/create?fromImage=${name}&tag=${tag}`, silenceMs: 20_000, signal });
    for await (const { error, message } of readLines(response)) if (error ?? message) throw new Error(error ?? message);
    done('done');
    return true;
  } catch (error) {
    done(`failed, ${error.message}`);
    return false;
  }
}

async function make() {
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
    await importImage(archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ensureTools() {
  const packages = [
    ...(findDaemon('mmdebstrap') === undefined ? ['mmdebstrap'] : []),
    ...(existsSync(KEYRING) ? [] : ['debian-archive-keyring']),
  ];
  const why = `No registry gives ${BASE.registryRef}, and making it needs`;
  if (!hasApt())
    throw new PrepareFailure(`${why} a Debian or Ubuntu machine. Set IMAGES_BASE to an image of Debian 12 that the engine has.`);
  if (!canBecomeRoot()) throw new PrepareFailure(`${why} root's rights. Run this with sudo, or set IMAGES_BASE to an image of Debian 12.`);
  if (packages.length === 0) return;
  say(`needed: Debian's ${packages.join(', ')}, to make a base image where no registry gives one`);
  await installDebianPackages(packages);
}

function sourceLines() {
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)|$(RELEASE)|$(COMPONENT)', 'Created-By: Packages']);
  const isDebian = /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  return toSourceLines(targets.toString(), BASE.suite, isDebian);
}

function bootstrapOptions() {
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

async function importImage(archive) {
  const [repo, tag] = BASE.imageRef.split(':');
  const changes = ['CMD ["bash"]', 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  const query = new URLSearchParams([['fromSrc', '-'], ['repo', repo], ['tag', tag], ...changes.map((change) => ['changes', change])]);
  const response = await callEngine({
    method: 'POST',
    path: `/images/create?${query}`,
    body: createReadStream(archive),
    headers: { 'content-type': 'application/x-tar' },
    silenceMs: 120_000,
  });
  for await (const { error, message } of readLines(response)) {
    if (error ?? message) throw new PrepareFailure(`The engine did not take ${BASE.imageRef}: ${error ?? message}`);
  }
}
