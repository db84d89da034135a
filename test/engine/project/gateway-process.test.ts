import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { createDatabase } from '../../../src/db/database.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import { acquireDataDirLock } from '../../../src/lib/process/data-dir-lock.ts';
import { docker, removeInstallation } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { spawnGateway, startGatewayProcess, type GatewayProcess } from '../../support/gateway/gateway-process.ts';
import { openTestSecretBox } from '../../support/database/secret-box.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { JWT_SECRET, testToken } from '../../support/gateway/tokens.ts';
import { containersOf } from '../../support/vm/vm-probe.ts';

const folders: string[] = [];
const databases: TestDatabase[] = [];
let catalogFile: string;
let token: string;

beforeAll(async () => {
  const image = await testImage();
  catalogFile = path.join(await newFolder(), 'catalog.json');
  const slow = ['/bin/sh', '-c', "trap 'exit 0' TERM; sleep 3; httpd -f -p 3000 -h /www & wait"];
  const distributions = [
    { code: 'tiny', image, defaultPort: 3000, stopGraceSeconds: 2 },
    { code: 'slow', image, defaultPort: 3000, stopGraceSeconds: 2, command: slow },
  ];
  await writeFile(catalogFile, JSON.stringify({ distributions }));
  token = await testToken('alice');
});
afterAll(async () => {
  await Promise.all(
    databases.map(async (database) => {
      const { rows } = await executeSql(database.url, 'select id from installation');
      await removeInstallation((rows[0] as { id: string }).id);
      await database[Symbol.asyncDispose]();
    }),
  );
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-process-'));
  folders.push(folder);
  return folder;
}
async function settings(): Promise<Record<string, string>> {
  const database = await createTestDatabase();
  databases.push(database);
  return {
    DATABASE_URL: database.url,
    DATA_DIR: await newFolder(),
    CATALOG_FILE: catalogFile,
    JWT_SECRET,
    SECRETS_KEY: Buffer.alloc(32, 9).toString('base64'),
  };
}

async function call<T>(gateway: GatewayProcess, method: string, at: string, body?: unknown, as = token): Promise<T> {
  const response = await fetch(gateway.url + at, {
    method,
    headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}
/** Asks again where the gateway says that it could not get to it in time, which a busy machine is enough for. */
async function callPatiently<T extends object>(...args: Parameters<typeof call>): Promise<T & { code?: string }> {
  const ask = async () => {
    const answer = await call<T & { code?: string }>(...args);
    return answer.code === 'UNAVAILABLE' ? undefined : answer;
  };
  return (await eventually(ask, { deadline: 60_000 })) as T & { code?: string };
}
async function createVm(
  gateway: GatewayProcess,
  code: string,
  { as = token, storageType = 'temporary' } = {},
): Promise<string> {
  const body = {
    config: { vmlabel: code, region: { code: 'AU' }, password: 'x', storageType },
    os: { distribution: { code }, cpu: 1, ram: 1 },
  };
  const answer = await callPatiently<{ vm?: { id: string } }>(gateway, 'POST', '/vms/create', body, as);
  if (answer.vm === undefined) throw new Error(`No VM was made: ${JSON.stringify(answer)}`);
  return answer.vm.id;
}
const statusOf = async (gateway: GatewayProcess, id: string) =>
  (await call<{ status: string }>(gateway, 'GET', `/vms/${id}`)).status;

describe('a gateway that is ended', () => {
  it('by SIGINT drains and exits with 0, and its VMs go on', async () => {
    await using gateway = await startGatewayProcess(await settings());
    const id = await createVm(gateway, 'tiny');
    await call(gateway, 'POST', `/vms/start/${id}`);
    await eventually(async () => (await statusOf(gateway, id)) === 'RUNNING', { deadline: 20_000 });
    gateway.child.kill('SIGINT');
    // A terminal and npm both pass Ctrl-C on: the second one right after is not impatience.
    gateway.child.kill('SIGINT');
    expect(await gateway.exited).toBe(0);
    expect((await containersOf(id)).map(({ State }) => State)).toEqual(['running']);
  });

  it(
    'by SIGTERM in the middle of a boot gives its lease back: the next one goes on at once',
    { timeout: 60_000 },
    async () => {
      const env = await settings();
      await using first = await startGatewayProcess(env);
      const id = await createVm(first, 'slow');
      await call(first, 'POST', `/vms/start/${id}`);
      await eventually(async () => (await statusOf(first, id)) === 'BOOTING', { deadline: 20_000 });
      first.child.kill('SIGTERM');
      expect(await first.exited).toBe(0);
      const { rows } = await executeSql(env['DATABASE_URL'] ?? '', 'select lease_owner from vm');
      expect(rows).toEqual([{ lease_owner: null }]);
      await using second = await startGatewayProcess(env);
      await eventually(async () => (await statusOf(second, id)) === 'RUNNING', { deadline: 10_000 });
      expect(await containersOf(id)).toHaveLength(1);
    },
  );
});

describe('a gateway that is killed', () => {
  it(
    'in the middle of a boot is followed by one that adopts the container and goes on',
    { timeout: 60_000 },
    async () => {
      const env = await settings();
      await using first = await startGatewayProcess(env);
      const id = await createVm(first, 'slow');
      await call(first, 'POST', `/vms/start/${id}`);
      await eventually(async () => (await containersOf(id)).some(({ State }) => State === 'running'), {
        deadline: 20_000,
      });
      const [before] = await containersOf(id);
      first.child.kill('SIGKILL');
      await first.exited;
      await using second = await startGatewayProcess(env);
      await eventually(async () => (await statusOf(second, id)) === 'RUNNING', { deadline: 25_000 });
      expect((await containersOf(id)).map(({ Id }) => Id)).toEqual([before?.Id]);
    },
  );

  it('with its embedded database loses nothing that was acknowledged', async () => {
    const { DATABASE_URL: _unused, ...env } = await settings();
    await using first = await startGatewayProcess(env);
    const persistent = { storageType: 'persistent' };
    const ids = [await createVm(first, 'tiny', persistent), await createVm(first, 'tiny', persistent)];
    const installationId = await eventually(
      async () => {
        const { Volumes } = await docker.listVolumes({ filters: { label: [`${LABEL.machine}=${ids[0]}`] } });
        return Volumes?.[0]?.Labels[LABEL.installation];
      },
      { deadline: 40_000 },
    );
    onTestFinished(() => removeInstallation(installationId), 60_000);
    first.child.kill('SIGKILL');
    await first.exited;
    await using second = await startGatewayProcess(env);
    const { vms } = await call<{ vms: { id: string }[] }>(second, 'GET', '/vms');
    expect(vms.map(({ id }) => id)).toEqual(ids);
    for (const id of ids) await call(second, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await call<{ vms: unknown[] }>(second, 'GET', '/vms')).vms.length === 0, {
      deadline: 40_000,
    });
    second.child.kill('SIGTERM');
    expect(await second.exited).toBe(0);
  }, 120_000);
});

describe('a gateway that cannot start', () => {
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    env = await settings();
  });

  it('since another one has its DATA_DIR says so in a sentence', async () => {
    const lock = await acquireDataDirLock(env['DATA_DIR'] ?? '');
    onTestFinished(() => lock.release());
    await using gateway = spawnGateway(env);
    expect(await gateway.exited).toBe(1);
    expect(gateway.lines.join('\n')).toContain(env['DATA_DIR']);
    expect(gateway.lines.join('\n')).toContain(String(process.pid));
    expect(gateway.lines.join('\n')).not.toMatch(/^\s+at /m);
  });

  // One for each part that refuses settings; which ones it refuses is for the unit tests of the part.
  it.each([
    ['PORT', 'many', /PORT/],
    ['CATALOG_FILE', '/nowhere.json', /nowhere\.json/],
    ['REGIONS', 'AU=swarm+http://10.0.0.7:2377', /REGIONS has .* each entry is CODE=ENDPOINT/],
    ['REGIONS_FILE', '/nowhere', /REGIONS_FILE .* cannot be read: ENOENT/],
  ])('with %s=%s names it in one line and exits with 1', async (name, value, sentence) => {
    await using gateway = spawnGateway({ ...env, [name]: value });
    expect(await gateway.exited).toBe(1);
    const said = gateway.lines.filter((line) => !line.startsWith('{')).join('\n');
    expect(said).toMatch(sentence);
    expect(said).not.toMatch(/^\s+at /m);
  });

  it('with a certificate that cannot be read names it, before it asks the database', async () => {
    const files = { TLS_CERT: '/nowhere.pem', TLS_KEY: '/nowhere.key' };
    await using gateway = spawnGateway({ ...env, ...files, DATABASE_URL: 'postgresql://127.0.0.1:1/none' });
    expect(await gateway.exited).toBe(1);
    expect(gateway.lines.join('\n')).toContain('TLS_CERT "/nowhere.pem" cannot be read: ENOENT.');
  });

  it('with another key than the database was sealed with says so, and changes nothing', async () => {
    const other = await settings();
    const db = createDatabase(other['DATABASE_URL'] ?? '');
    onTestFinished(() => db.destroy());
    await openTestSecretBox(db);
    const sealed = await db.selectFrom('installation').selectAll().execute();
    await using gateway = spawnGateway(other);
    expect(await gateway.exited).toBe(1);
    expect(gateway.lines.join('\n')).toMatch(/SECRETS_KEY is not the key/);
    expect(await db.selectFrom('installation').selectAll().execute()).toEqual(sealed);
  });
});

describe('two gateways on one database', () => {
  const undo = new AsyncDisposableStack();
  let pair: readonly [GatewayProcess, GatewayProcess];
  beforeAll(async () => {
    const env = await settings();
    await executeSql(env['DATABASE_URL'] ?? '', 'drop schema public cascade; create schema public');
    const starting = [env, { ...env, DATA_DIR: await newFolder() }].map(startGatewayProcess);
    const [first, second] = (await Promise.all(starting)).map((gateway) => undo.use(gateway));
    if (first === undefined || second === undefined) throw new Error('Two gateways were started.');
    pair = [first, second];
  }, 60_000);
  afterAll(() => undo.disposeAsync());

  it('start at once on an empty database, and share the work', async () => {
    const [first, second] = pair;
    const ids = await Promise.all([first, second, first, second].map((gateway) => createVm(gateway, 'tiny')));
    await Promise.all(ids.map((id, index) => call(index % 2 === 0 ? first : second, 'POST', `/vms/start/${id}`)));
    for (const id of ids) {
      await eventually(async () => (await statusOf(first, id)) === 'RUNNING', { deadline: 25_000 });
      expect(await containersOf(id)).toHaveLength(1);
      expect(await statusOf(second, id)).toBe('RUNNING');
    }
  });

  it('let exactly as many of 50 simultaneous starts pass as the plan allows', { timeout: 120_000 }, async () => {
    const [first, second] = pair;
    const as = await testToken('bob');
    const ids = await Promise.all(Array.from({ length: 50 }, () => createVm(first, 'slow', { as })));
    const answers = await Promise.all(
      ids.map((id, index) =>
        callPatiently(index % 2 === 0 ? first : second, 'POST', `/vms/start/${id}`, undefined, as),
      ),
    );
    const refused = answers.filter(({ code }) => code === 'QUOTA_EXCEEDED');
    // Engineer: six at a time.
    expect([answers.length - refused.length, refused.length]).toEqual([6, 44]);
    const { vms } = await call<{ vms: { enabled: boolean }[] }>(second, 'GET', '/vms', undefined, as);
    expect(vms.filter(({ enabled }) => enabled)).toHaveLength(6);
  });
});
