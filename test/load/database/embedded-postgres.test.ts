import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findEmbeddedPostgres,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../../src/db/embedded/embedded-postgres.ts';
import { choosePostgresAccount, parsePasswd } from '../../../src/db/embedded/postgres-account.ts';
import { createLog } from '../../../src/log.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

const CHILD = fileURLToPath(new URL('../../support/database/embedded-postgres-child.ts', import.meta.url));
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

/** Whether another user can run our Node on our sources: not so in a home that is closed to it. */
const nobodyCanRunUs =
  isRoot && spawnSync(process.execPath, ['--check', CHILD], { uid: NOBODY, gid: NOBODY, cwd: '/' }).status === 0;

describe.runIf(process.platform === 'linux')('the embedded PostgreSQL', () => {
  let dataDir: string;
  let cluster: string;
  const running: EmbeddedPostgres[] = [];
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-embedded-'));
    cluster = path.join(dataDir, 'postgres/cluster');
  });

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const postgres of running.splice(0)) await postgres.stop();
    for (const pid of await processesOf(cluster)) process.kill(pid, 'SIGKILL');
    await eventuallyNobody();
    const socketDir = await readlink(path.join(dataDir, 'postgres/socket')).catch(() => undefined);
    if (socketDir !== undefined) await rm(socketDir, { recursive: true, force: true });
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(signal = AbortSignal.timeout(60_000)): Promise<EmbeddedPostgres> {
    const postgres = await startEmbeddedPostgres({ dataDir, log: await createLog({ level: 'silent' }), signal });
    running.push(postgres);
    return postgres;
  }

  /** Another process that owns the database, and its address or what it said instead. */
  async function startElsewhere(
    user: { uid?: number; gid?: number } = {},
  ): Promise<{ child: ChildProcess; said: string }> {
    const child = spawn(process.execPath, [CHILD, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: '/',
      ...user,
    });
    children.push(child);
    const [said] = await once(createInterface({ input: child.stdout }), 'line', {
      signal: AbortSignal.timeout(25_000),
    });
    return { child, said: String(said) };
  }

  async function killed(child: ChildProcess): Promise<void> {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async function postmasterPid(): Promise<number> {
    return Number((await readFile(path.join(cluster, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  }

  async function eventuallyNobody(): Promise<void> {
    await expect.poll(() => processesOf(cluster), { timeout: 10_000 }).toEqual([]);
  }

  it('is found by a command only while it runs', async () => {
    expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
    const postgres = await start();
    expect(await findEmbeddedPostgres(dataDir)).toBe(postgres.url);
    await postgres.stop();
    expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
    const { child, said } = await startElsewhere();
    expect(await findEmbeddedPostgres(dataDir)).toBe(said);
    await killed(child);
    await eventuallyNobody();
    expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
  });

  const count = async (url: string): Promise<unknown> =>
    (await executeSql(url, 'select count(*)::int as n from kept')).rows;
  const keepThousand = (url: string) => executeSql(url, 'create table kept as select generate_series(1, 1000) as n');

  it('creates a cluster that listens only on a socket in a private directory', async () => {
    const { url } = await start();
    const { rows } = await executeSql(
      url,
      `select current_database() as database, current_setting('listen_addresses') as tcp,
      current_setting('fsync') as fsync, current_setting('data_checksums') as checksums, uuidv7() is not null as uuidv7`,
    );
    expect(rows).toEqual([{ database: 'swiftor', tcp: '', fsync: 'on', checksums: 'on', uuidv7: true }]);
    const socketDir = await stat(new URL(url).searchParams.get('host') ?? '');
    expect(socketDir.mode & 0o777).toBe(0o700);
  });

  it('keeps its rows across a stop, which leaves no process and no socket', async () => {
    const first = await start();
    await keepThousand(first.url);
    await first.stop();
    await first.stop();
    expect(await processesOf(cluster)).toEqual([]);
    expect(existsSync(new URL(first.url).searchParams.get('host') ?? '')).toBe(false);
    const second = await start();
    expect(await count(second.url)).toEqual([{ n: 1000 }]);
  });

  it('stops when its owner is killed, and the next start finds every committed row', async () => {
    const { child, said: url } = await startElsewhere();
    await keepThousand(url);
    await killed(child);
    await eventuallyNobody();
    // Shut down in order: a crash would have left the file.
    expect(existsSync(path.join(cluster, 'postmaster.pid'))).toBe(false);
    expect(await count((await start()).url)).toEqual([{ n: 1000 }]);
    expect(existsSync(new URL(url).searchParams.get('host') ?? '')).toBe(false);
  });

  it('takes over from an orphan whose owner and watcher were killed', async () => {
    const { child, said: url } = await startElsewhere();
    await keepThousand(url);
    const orphan = await postmasterPid();
    for (const pid of await watchersOf(orphan)) process.kill(pid, 'SIGKILL');
    await killed(child);
    expect(await processesOf(cluster)).toContain(orphan);

    const next = await start();
    expect(await count(next.url)).toEqual([{ n: 1000 }]);
    expect(await processesOf(cluster)).not.toContain(orphan);
    await next.stop();
    await eventuallyNobody();
  });

  it('recovers when owner, watcher and postmaster are killed at once', async () => {
    const { child, said: url } = await startElsewhere();
    await keepThousand(url);
    const postmaster = await postmasterPid();
    for (const pid of [...(await watchersOf(postmaster)), postmaster]) process.kill(pid, 'SIGKILL');
    await killed(child);
    expect(await count((await start()).url)).toEqual([{ n: 1000 }]);
  });

  it('starts though postmaster.pid names a living process of the same user that is not PostgreSQL', async () => {
    const first = await start();
    await keepThousand(first.url);
    const pidFile = path.join(cluster, 'postmaster.pid');
    const [, ...rest] = (await readFile(pidFile, 'utf8')).split('\n');
    await first.stop();

    const { uid, gid } = await stat(cluster);
    const foreigner = spawn('sleep', ['600'], { cwd: '/', ...(isRoot && { uid, gid }) });
    children.push(foreigner);
    await writeFile(pidFile, [foreigner.pid, ...rest].join('\n'), { mode: 0o600 });
    chownSync(pidFile, uid, gid);

    expect(await count((await start()).url)).toEqual([{ n: 1000 }]);
    expect(foreigner.exitCode ?? foreigner.signalCode).toBe(null);
  });

  it('is refused to a second process, which does not disturb the first', async () => {
    const { url } = await start();
    const { said } = await startElsewhere();
    expect(said).toContain(`is in use by process ${process.pid}.`);
    expect((await executeSql(url, 'select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('is restarted with every committed row each time it ends unexpectedly', async () => {
    const { url, stop } = await start();
    await keepThousand(url);
    for (const signal of ['SIGKILL', 'SIGQUIT', 'SIGINT'] as const) {
      const before = await postmasterPid();
      process.kill(before, signal);
      await eventually(async () => (await postmasterPid()) !== before && (await count(url)), { deadline: 25_000 });
      expect(await count(url)).toEqual([{ n: 1000 }]);
    }
    await stop();
    expect(await processesOf(cluster)).toEqual([]);
  });

  it('can be stopped during a restart', async () => {
    const { stop } = await start();
    process.kill(await postmasterPid(), 'SIGKILL');
    await stop();
    await eventuallyNobody();
    await start();
  });

  it('leaves no process and no partial cluster if its start is aborted', async () => {
    const abort = new AbortController();
    const starting = start(abort.signal);
    await expect
      .poll(() => readdir(path.join(dataDir, 'postgres')).catch(() => []))
      .toContainEqual(expect.stringMatching(/^initdb-/));
    abort.abort(new Error('enough'));
    await expect(starting).rejects.toThrow('enough');
    expect(await readdir(path.join(dataDir, 'postgres'))).toEqual(['lock']);
    await start();
  });

  it('removes what a killed initdb left', async () => {
    const leftover = path.join(dataDir, 'postgres/initdb-Abc123');
    await mkdir(leftover, { recursive: true });
    await start();
    expect(existsSync(leftover)).toBe(false);
  });

  it('refuses a cluster of another major version', async () => {
    await (await start()).stop();
    await writeFile(path.join(cluster, 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow('is from PostgreSQL 17, but the installed version is 18.');
  });

  it.runIf(nobodyCanRunUs)('runs for a user who is not root, as that user', async () => {
    chmodSync(dataDir, 0o700);
    chownSync(dataDir, NOBODY, NOBODY);
    const { child, said: url } = await startElsewhere({ uid: NOBODY, gid: NOBODY });
    await keepThousand(url);
    expect(await count(url)).toEqual([{ n: 1000 }]);
    expect((await stat(cluster)).uid).toBe(NOBODY);
    await killed(child);
    await eventuallyNobody();
  });

  it.runIf(nobodyCanRunUs)('stays with the user who owns the cluster when root starts it', async () => {
    chownSync(dataDir, NOBODY, NOBODY);
    const { child, said } = await startElsewhere({ uid: NOBODY, gid: NOBODY });
    await keepThousand(said);
    await killed(child);
    expect(await count((await start()).url)).toEqual([{ n: 1000 }]);
    expect((await stat(`/proc/${await postmasterPid()}`)).uid).toBe(NOBODY);
  });
});

describe('the user that PostgreSQL runs as', () => {
  it('is never root or an alias of root', () => {
    const accounts = parsePasswd(
      'root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\npostgres:x:101:104:a,b:/var/lib/postgresql:/bin/bash\n',
    );
    expect([...accounts]).toEqual([['postgres', { uid: 101, gid: 104 }]]);
  });

  it.runIf(isRoot)("is one that runs nothing else, not the system's own, where root starts the first", async () => {
    const accounts = parsePasswd(await readFile('/etc/passwd', 'utf8'));
    const chosen = await choosePostgresAccount(undefined);
    expect(chosen).toEqual(accounts.get('swiftor-postgres'));
    const others = [...accounts].filter(([name, { uid }]) => uid === chosen?.uid && name !== 'swiftor-postgres');
    expect(others).toEqual([]);
  });

  it.runIf(isRoot)('is the owner of the cluster where there is one', async () => {
    expect(await choosePostgresAccount({ uid: 4711, gid: 4712 })).toEqual({ uid: 4711, gid: 4712 });
  });
});

/** The pids of the postgres processes that work in `cluster`. */
async function processesOf(cluster: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const folders = await Promise.all(
    pids.map(async (pid) => [Number(pid), await readlink(`/proc/${pid}/cwd`).catch(() => '')] as const),
  );
  return folders.filter(([, folder]) => folder === cluster).map(([pid]) => pid);
}

async function watchersOf(postmaster: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => [Number(pid), await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const),
  );
  return lines.filter(([, line]) => line.includes(`swiftor-postgres-watcher\0${postmaster}\0`)).map(([pid]) => pid);
}
