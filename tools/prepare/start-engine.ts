import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findDaemon } from '../../scripts/prepare/find-program.js';
import { PrepareFailure, showProgress } from '../../scripts/prepare/report.js';
import { isRoot, runAsRoot } from '../../scripts/prepare/run-command.js';
import { DEFAULT_ENDPOINT, DEFAULT_SOCKET } from '../engine-endpoint.ts';
import { pingEngine } from './ping-engine.ts';

const LOG = '/var/log/swiftor-dockerd.log';
const READY_SECONDS = 60;
const LOOK_MS = 200;
interface PidFile {
  readonly file: string;
  readonly program: string;
}

const DOCKERD: PidFile = { file: '/var/run/docker.pid', program: 'dockerd' };
const CONTAINERD: PidFile = { file: '/var/run/docker/containerd/containerd.pid', program: 'containerd' };

/**
 * Starts dockerd where none lives and resolves when it answers. Rejects with a PrepareFailure that shows the log's last
 * lines.
 */
export async function startEngine(): Promise<void> {
  // The package's own installation may have started it already.
  const problem = await pingEngine(DEFAULT_ENDPOINT);
  if (problem === undefined) return;
  if (problem === 'EACCES') return openSocketToUser();

  if (existsSync('/run/systemd/system')) {
    await runAsRoot({
      title: 'Starting Docker Engine (systemctl)',
      command: 'systemctl',
      args: ['start', 'docker'],
      deadline: 90,
    });
  } else if (!isAlive(DOCKERD)) {
    await removeStalePidFiles();
    // A session of its own and no terminal: it outlives this script and its caller.
    const script = `setsid ${findDaemon('dockerd') ?? 'dockerd'} >>${LOG} 2>&1 </dev/null &`;
    await runAsRoot({
      title: `Starting dockerd (its log: ${LOG})`,
      command: 'sh',
      args: ['-c', script],
      deadline: 20,
      env: { PATH: daemonPath() },
    });
  }
  await waitUntilReady();
}

/** Lets the user behind sudo use the socket at once, and by the group docker after the next log-in. */
export async function openSocketToUser(): Promise<void> {
  const uid = String(process.getuid?.());
  await runAsRoot({
    title: `Opening ${DEFAULT_SOCKET} to this user`,
    command: 'sh',
    args: ['-c', `usermod -aG docker "$(id -nu ${uid})" && chown ${uid} ${DEFAULT_SOCKET}`],
    deadline: 20,
  });
}

async function waitUntilReady(): Promise<void> {
  const done = showProgress('Waiting for Docker Engine');
  const deadline = Date.now() + READY_SECONDS * 1000;
  for (;;) {
    const problem = await pingEngine(DEFAULT_ENDPOINT);
    if (problem === undefined) return done('it answers');
    if (problem === 'EACCES' && !isRoot()) {
      done('it answers');
      return openSocketToUser();
    }
    if (Date.now() > deadline) {
      done('failed');
      throw new PrepareFailure(
        `Docker Engine did not answer at ${DEFAULT_SOCKET} within ${READY_SECONDS} s (${problem}).\n${lastLogLines()}`,
      );
    }
    await sleep(LOOK_MS);
  }
}

/** dockerd finds iptables, runc and containerd by PATH, and a person's PATH may lack the system's folders. */
function daemonPath(): string {
  return `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}`;
}

/**
 * After a crash or in a restarted container these name pids that others have now; dockerd would then refuse to start or
 * wait in vain.
 */
async function removeStalePidFiles(): Promise<void> {
  const stale = [DOCKERD, CONTAINERD]
    .filter((entry) => existsSync(entry.file) && !isAlive(entry))
    .map((entry) => entry.file);
  if (stale.length > 0)
    await runAsRoot({
      title: `Removing stale ${stale.join(', ')}`,
      command: 'rm',
      args: ['-f', ...stale],
      deadline: 20,
    });
}

function isAlive({ file, program }: PidFile): boolean {
  try {
    const pid = readFileSync(file, 'utf8').trim();
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program;
  } catch {
    return false;
  }
}

function lastLogLines(): string {
  try {
    return `The last lines of ${LOG}:\n${readFileSync(LOG, 'utf8').trim().split('\n').slice(-20).join('\n')}`;
  } catch {
    return 'Its log: "journalctl -u docker" where systemd runs it, else /var/log/docker.log.';
  }
}
