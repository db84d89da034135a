import { existsSync, readFileSync } from 'node:fs';
import { findDaemon } from '../../scripts/prepare/find-program.js';
import type { Need } from '../../scripts/prepare/meet-needs.js';
import { canBecomeRoot } from '../../scripts/prepare/run-command.js';
import { DEFAULT_ENDPOINT, DEFAULT_SOCKET, engineEndpoint } from '../engine-endpoint.ts';
import { hasApt } from './apt.ts';
import { pingEngine } from './ping-engine.ts';
import { openSocketToUser, startEngine } from './start-engine.ts';

/**
 * What is to be done so that a Docker Engine answers; undefined when one does. `impossible` instead of
 * `install` where this script cannot help, with the way out.
 */
export async function checkEngine(): Promise<Need | undefined> {
  const endpoint = engineEndpoint();
  const problem = await pingEngine(endpoint);
  if (problem === undefined) return undefined;
  const why = `a Docker Engine: none answers at ${endpoint} (${problem})`;

  if (endpoint !== DEFAULT_ENDPOINT) {
    return { why, impossible: `Start the engine at ${endpoint}, or unset DOCKER_HOST to use one on this machine.` };
  }
  if (process.platform !== 'linux') {
    return {
      why,
      impossible:
        'Install and start Docker Desktop, or set DOCKER_HOST to an engine (Docker Desktop: ' +
        'unix://$HOME/.docker/run/docker.sock).',
    };
  }
  if (problem === 'EACCES') {
    const user = process.env['USER'] ?? String(process.getuid?.());
    if (!canBecomeRoot())
      return {
        why,
        impossible: `Run "sudo usermod -aG docker ${user}" and log in again: only root and the group docker may use it.`,
      };
    return {
      why: `access to ${DEFAULT_SOCKET} for ${user} and membership of the group docker: it answers only root now`,
      start: openSocketToUser,
    };
  }
  if (findDaemon('dockerd') !== undefined) {
    if (!canBecomeRoot())
      return {
        why,
        impossible: 'Start it: "sudo systemctl start docker", or "sudo dockerd" where there is no systemd.',
      };
    return { why: `${why}; dockerd is installed and will be started`, start: startEngine };
  }
  if (!hasApt()) {
    return {
      why,
      impossible:
        "Install Docker Engine with your system's packages and start it, or set DOCKER_HOST to an engine elsewhere.",
    };
  }
  const packages = debianPackages();
  if (!canBecomeRoot()) {
    return {
      why,
      impossible:
        `Run "sudo apt-get install ${packages.join(' ')}" (sudo asks for a password here), or set DOCKER_HOST ` +
        'to an engine.',
    };
  }
  return {
    why: `${why}; Debian packages ${packages.join(', ')}, and dockerd will be started`,
    debianPackages: packages,
    start: startEngine,
  };
}

/**
 * docker.io depends on containerd, runc and tini; the rest it only recommends, though without them it fails on some
 * machines.
 */
function debianPackages(): string[] {
  const packages = ['docker.io', 'iptables', 'ca-certificates'];
  // With AppArmor in the kernel and no parser, no container starts.
  if (
    readText('/sys/module/apparmor/parameters/enabled').startsWith('Y') &&
    findDaemon('apparmor_parser') === undefined
  )
    packages.push('apparmor');
  // Systemd mounts the cgroups; elsewhere we do.
  if (!existsSync('/run/systemd/system') && !/ cgroup2? /.test(readText('/proc/mounts')))
    packages.push('cgroupfs-mount');
  return packages;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
