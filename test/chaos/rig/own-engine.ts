import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { detachLoops } from '../workload/loops.ts';
import { eventually } from '../../support/eventually.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';

const run = promisify(execFile);
const DISK = '12G';
const START_MS = 30_000;

/** What runs as the first process of the engine's machine, while the daemon comes and goes. */
const IDLE = 'hostname chaos && mount -t tmpfs tmpfs /run && exec sleep infinity';

/**
 * An engine on a machine of its own: namespaces for mounts, processes and host name, and a disk of its own, on this
 * process's network. The daemon is not its first process, so that it can end while containers go on.
 */
export class OwnEngine implements AsyncDisposable {
  readonly socketPath: string;
  readonly docker: Docker;
  readonly #folder: string;
  readonly #cgroup: string;
  /** Of the data directory; it changes when the engine comes back empty. */
  #epoch = 0;
  #machine: ChildProcess | undefined;
  #daemon: ChildProcess | undefined;

  private constructor(folder: string, cgroup: string) {
    this.#folder = folder;
    this.#cgroup = cgroup;
    this.socketPath = path.join(folder, 'docker.sock');
    this.docker = new Docker({ socketPath: this.socketPath });
  }

  /** Needs root. `name` is for its cgroup. */
  static async create(folder: string, name: string): Promise<OwnEngine> {
    const engine = new OwnEngine(folder, `/${name}`);
    const disk = path.join(folder, 'disk');
    await mkdir(disk, { recursive: true });
    await run('truncate', ['-s', DISK, `${disk}.img`]);
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', `${disk}.img`]);
    await run('mount', ['-o', 'loop', `${disk}.img`, disk]);
    await engine.powerOn();
    return engine;
  }

  get #data(): string {
    return path.join(this.#folder, 'disk', `data-${this.#epoch}`);
  }

  get logFile(): string {
    return path.join(this.#folder, 'dockerd.log');
  }

  /** Where files of volumes are. */
  get imagesFolder(): string {
    return path.join(this.#data, 'swiftor');
  }

  async powerOn(): Promise<void> {
    // Of a host it is in memory. A pid file from before would be taken for that of a daemon that runs.
    await rm(path.join(this.#folder, 'exec'), { recursive: true, force: true });
    await rm(path.join(this.#folder, 'docker.pid'), { force: true });
    const isolate = [
      '--mount',
      '--uts',
      '--pid',
      '--fork',
      '--kill-child=SIGKILL',
      '--propagation',
      'private',
      '--mount-proc',
    ];
    this.#machine = spawn('unshare', [...isolate, 'docker-init', '--', 'sh', '-c', IDLE], { stdio: 'ignore' });
    await eventually(async () => (await this.#processes()).some(({ name }) => name === 'sleep'), {
      deadline: START_MS,
    });
    await this.startDaemon();
  }

  /** Ends everything on the machine at once. */
  async powerOff(): Promise<void> {
    const [first] = await this.#processes();
    if (first !== undefined) process.kill(first.pid, 'SIGKILL');
    await eventually(async () => (await this.#processes()).length === 0, { deadline: START_MS });
    await this.#gone(this.#daemon);
    await this.#gone(this.#machine);
    // A reboot forgets them.
    await detachLoops(await readdir(this.imagesFolder).catch((): string[] => []));
  }

  async startDaemon(): Promise<void> {
    await rm(path.join(this.#folder, 'docker.pid'), { force: true });
    const machine = (await this.#processes()).find(({ name }) => name === 'sleep');
    if (machine === undefined) throw new Error('The machine of the engine is off.');
    const enter = ['--target', String(machine.pid), '--mount', '--uts', '--pid'];
    const places = [
      '--data-root',
      this.#data,
      '--exec-root',
      path.join(this.#folder, 'exec'),
      '--pidfile',
      path.join(this.#folder, 'docker.pid'),
    ];
    const daemon = ['dockerd', ...places, '-H', `unix://${this.socketPath}`, '--cgroup-parent', this.#cgroup];
    this.#daemon = spawn('nsenter', [...enter, ...daemon], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const log = createWriteStream(this.logFile, { flags: 'a' });
    for (const stream of [this.#daemon.stdout, this.#daemon.stderr]) stream?.pipe(log, { end: false });
    await eventually(() => this.docker.ping(), { deadline: START_MS });
    // The same one on each disk: a VM keeps its image, which another import would not be.
    const saved = path.join(this.#folder, 'image.tar');
    if (existsSync(saved)) await text(await this.docker.loadImage(createReadStream(saved)));
    else await pipeline(await this.docker.getImage(await testImage(this.docker)).get(), createWriteStream(saved));
  }

  /** In order; containers end with it. */
  async stopDaemon(): Promise<void> {
    await this.#signal('SIGTERM', (name) => name === 'dockerd');
    await this.#gone(this.#daemon);
  }

  /** `withContainers`: their shims and processes too, as when memory runs out. */
  async killDaemon(withContainers: boolean): Promise<void> {
    await this.#signal('SIGKILL', (name) =>
      withContainers ? name !== 'sleep' && name !== 'docker-init' : name === 'dockerd',
    );
    await this.#gone(this.#daemon);
    await eventually(async () => !(await this.#processes()).some(({ name }) => name === 'containerd'), {
      deadline: START_MS,
    });
    await rm(path.join(this.#folder, 'exec', 'containerd', 'containerd.pid'), { force: true });
  }

  /** Stops or continues daemon and shims. */
  async pauseDaemon(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    await this.#signal(signal, (name) => name === 'dockerd' || name === 'containerd');
    // It stops when its child does.
    if (signal === 'SIGCONT') this.#daemon?.kill(signal);
  }

  /** Comes back as after a new installation. */
  async startEmpty(): Promise<void> {
    await this.powerOff();
    this.#epoch += 1;
    await this.powerOn();
  }

  async fillDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#data);
    await run('fallocate', [
      '-l',
      String(Math.max(bavail * bsize - 4 * 2 ** 20, 1)),
      path.join(this.#folder, 'disk', 'filler'),
    ]);
  }

  async emptyDisk(): Promise<void> {
    await rm(path.join(this.#folder, 'disk', 'filler'), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    await run('umount', [path.join(this.#folder, 'disk')]);
  }

  /** Those of the machine, the first one first. */
  async #processes(): Promise<{ pid: number; name: string }[]> {
    const outer = this.#machine?.pid;
    if (outer === undefined) return [];
    const [first] = (await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8').catch(() => ''))
      .split(' ')
      .filter(Boolean);
    const namespace = first === undefined ? undefined : await readlink(`/proc/${first}/ns/pid`).catch(() => undefined);
    if (namespace === undefined) return [];
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(
      pids.map(async (pid) => {
        if ((await readlink(`/proc/${pid}/ns/pid`).catch(() => '')) !== namespace) return [];
        return [{ pid: Number(pid), name: (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim() }];
      }),
    );
    return found.flat().toSorted((a, b) => Number(String(b.pid) === first) - Number(String(a.pid) === first));
  }

  async #signal(signal: NodeJS.Signals, concerns: (name: string) => boolean): Promise<void> {
    for (const { pid, name } of await this.#processes()) {
      if (!concerns(name)) continue;
      try {
        process.kill(pid, signal);
      } catch {
        // It ended at this moment.
      }
    }
  }

  async #gone(child: ChildProcess | undefined): Promise<void> {
    await eventually(() => child === undefined || child.exitCode !== null || child.signalCode !== null, {
      deadline: START_MS,
    });
  }
}
