import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { awaitAdminUrl } from '../../support/database/admin-url.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { docker, removeInstallation, testImage } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway/gateway-process.ts';
import { JWT_SECRET, testToken } from '../../support/gateway/tokens.ts';

const run = promisify(execFile);
/** Whatever a secret could be, none of them occurs by accident. */
const CANARIES = Array.from({ length: 50 }, (_, index) => `canary${index}-${randomBytes(12).toString('hex')}`);
/** As text, as COPY and logs write bytes, and as JSON in a header would; and as a probe signs in. */
const FORMS = CANARIES.flatMap((canary) => [
  canary,
  Buffer.from(canary).toString('hex'),
  Buffer.from(canary).toString('base64'),
  Buffer.from(`abc:${canary}`).toString('base64'),
]);

let database: TestDatabase;
let folder: string;
let gateway: GatewayProcess;
let token: string;
let installationId: string;
/** Everything that a client was answered, but for the reads of secrets. */
const told: string[] = [];

beforeAll(async () => {
  const image = await testImage();
  database = await createTestDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-canaries-'));
  const chatty = ['/bin/sh', '-c', 'env; exit 1'];
  const distributions = [
    {
      code: 'tiny',
      image,
      defaultPort: 3000,
      stopGraceSeconds: 1,
      passwordVariables: ['PASSWORD'],
      probe: { signIn: 'basic' },
    },
    { code: 'chatty', image, defaultPort: 3000, command: chatty, bootSeconds: 5 },
    { code: 'absent', image: 'local/not-built:1', defaultPort: 3000 },
  ];
  await writeFile(path.join(folder, 'catalog.json'), JSON.stringify({ distributions }));
  gateway = await startGatewayProcess({
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    CATALOG_FILE: path.join(folder, 'catalog.json'),
    JWT_SECRET,
    SECRETS_KEY: Buffer.alloc(32, 9).toString('base64'),
    LOG_LEVEL: 'trace',
  });
  token = await testToken('alice');
  const { rows } = await executeSql(database.url, 'select id from installation');
  installationId = (rows[0] as { id: string }).id;
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await removeInstallation(installationId);
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const headers = () => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

async function graphql<T>(query: string, variables: object = {}): Promise<T> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  told.push(text, JSON.stringify([...response.headers]));
  return (JSON.parse(text) as { data: T }).data;
}
async function rest(method: string, at: string, body?: object): Promise<void> {
  const response = await fetch(gateway.url + at, {
    method,
    headers: headers(),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  told.push(await response.text(), JSON.stringify([...response.headers]));
}

const next = CANARIES.values();
const canary = (): string => next.next().value ?? expect.fail('All canaries are used up.');

async function newVm(distribution: string): Promise<string> {
  const input = { vmlabel: distribution, region: 'AU', password: canary(), distribution, cpu: 1, ram: 1 };
  const { createVm } = await graphql<{ createVm: { id: string } }>(
    'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }',
    {
      input,
    },
  );
  return createVm.id;
}
const reaches = (id: string, status: string) =>
  eventually(
    async () =>
      (await graphql<{ vm: { status: string } }>(`{ vm(id: "${id}") { status lastFailure { message logTail } } }`)).vm
        .status === status,
    {
      deadline: 60_000,
    },
  );

/** Which of the canaries the text has, in whatever form. */
const foundIn = (text: string): string[] => FORMS.filter((form) => text.includes(form));

it('50 secrets are where they are read, and nowhere else', { timeout: 180_000 }, async () => {
  const events = readEvents();

  // Every way in: passwords, both APIs, while on and off, replaced, refused, deleted.
  const ids = [await newVm('tiny'), await newVm('tiny'), await newVm('chatty'), await newVm('absent')];
  const [one = '', two = '', chatty = '', absent = ''] = ids;
  for (const vmid of ids) {
    for (let index = 0; index < 5; index += 1)
      await rest('POST', '/vms/secrets', { vmid, key: `REST_${index}`, value: canary() });
    for (let index = 0; index < 4; index += 1) {
      const query = 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }';
      await graphql(query, { input: { vmId: vmid, key: `GRAPHQL_${index}`, value: canary() } });
    }
  }
  for (const id of ids) await rest('POST', `/vms/start/${id}`);
  await Promise.all([
    reaches(one, 'RUNNING'),
    reaches(two, 'RUNNING'),
    reaches(chatty, 'FAILED'),
    reaches(absent, 'FAILED'),
  ]);
  await rest('POST', '/vms/secrets', { vmid: one, key: 'LATE', value: canary() });
  await rest('POST', '/vms/secrets', { vmid: one, key: 'REST_0', value: canary() });
  await rest('DELETE', `/vms/secrets/${one}/REST_1`);
  const long = `${canary()}${'x'.repeat(33 * 1024)}`;
  await rest('POST', '/vms/secrets', { vmid: one, key: 'LONG', value: long });
  await rest('POST', '/vms/secrets', { vmid: one, key: 'NUL', value: `${canary()}\0` });
  await rest('POST', '/vms/secrets', { vmid: one, key: 'LD_PRELOAD', value: canary() });
  await rest('POST', '/vms/secrets', { vmid: 'not-a-vm', key: 'K', value: [canary()] });
  await graphql('mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }', {
    input: { vmId: one, key: 5, value: { a: canary() } },
  });
  await rest('POST', '/vms/create', { config: { password: `${canary()}\n` }, os: canary() });
  await eventually(async () => (await environmentOf(one)).some((entry) => entry.startsWith('LATE=')), {
    deadline: 60_000,
  });

  // Where they are meant to be read.
  const read = await (await fetch(`${gateway.url}/vms/secrets`, { headers: headers() })).text();
  expect(foundIn(read).length).toBeGreaterThanOrEqual(38);
  const own = await environmentOf(two);
  expect(foundIn(own.join('\n'))).toHaveLength(10);

  // Everywhere else.
  await graphql(
    '{ me { audit(first: 100) { nodes { action vmlabel address details { name value } } } } vms { nodes { id lastFailure { logTail } } } }',
  );
  told.push(await (await fetch(`${gateway.url}/metrics`)).text());
  expect(foundIn(told.join('\n'))).toEqual([]);
  // What an app writes of them itself is hidden where its last lines are kept.
  expect(told.join('')).toContain('•••');
  const engine = await engineSays(ids);
  expect(engine).toContain(one);
  expect(foundIn(engine)).toEqual([]);
  for (const vmId of [one, two]) {
    const others = (await Promise.all(ids.filter((id) => id !== vmId).map(environmentOf))).flat();
    expect(
      foundIn((await environmentOf(vmId)).join('\n')).filter((form) => others.some((entry) => entry.includes(form))),
    ).toEqual([]);
  }
  expect(foundIn(await dump())).toEqual([]);
  expect(await grepDataDirectory()).toEqual([]);

  await rest('DELETE', `/vms/delete/${one}`);
  const text = await events(one);
  expect(text).toContain('DELETED');
  expect(foundIn(text)).toEqual([]);
  gateway.child.kill('SIGTERM');
  await gateway.exited;
  const logged = gateway.lines.join('\n');
  expect(logged).toContain('the VM failed');
  expect(foundIn(logged)).toEqual([]);
});

/**
 * All events of the account from now on, with all of each VM but its secrets; what was read when the VM's last has
 * come.
 */
function readEvents(): (vmId: string) => Promise<string> {
  const query =
    'subscription { vmEvents { seq kind vmId status reason vm { vmlabel url lastFailure { message logTail } progress { message } } } }';
  const body = JSON.stringify({ query });
  const reading = fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { ...headers(), accept: 'text/event-stream' },
    body,
  });
  return async (vmId) => {
    let text = '';
    for await (const chunk of (await reading).body ?? []) {
      text += new TextDecoder().decode(chunk);
      if (new RegExp(`"kind":"DELETED","vmId":"${vmId}"`).test(text)) break;
    }
    return text;
  };
}

/** What the container of the VM was given; empty while it has none. */
async function environmentOf(vmId: string): Promise<string[]> {
  const [container] = await docker.listContainers({ all: true, filters: { label: [`io.swiftor.vm=${vmId}`] } });
  return container === undefined ? [] : (await docker.getContainer(container.Id).inspect()).Config.Env;
}

/**
 * All that the engine tells of what is ours, but for the environment of each container, which holds its VM's secrets by
 * design.
 */
async function engineSays(vmIds: readonly string[]): Promise<string> {
  const filters = { label: [`io.swiftor.installation=${installationId}`] };
  const containers = await docker.listContainers({ all: true, filters });
  expect(containers.length).toBeGreaterThanOrEqual(2);
  const inspected = await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).inspect()));
  const { Volumes } = await docker.listVolumes({ filters });
  return JSON.stringify([
    containers,
    inspected.map(({ Config: { Env: _env, ...config }, ...rest }) => ({ ...rest, config })),
    Volumes,
    vmIds,
  ]);
}

/** Every row of every table, as a dump writes it. */
async function dump(): Promise<string> {
  const { rows } = await executeSql(database.url, `select tablename from pg_tables where schemaname = 'public'`);
  const tables = (rows as { tablename: string }[]).map(({ tablename }) => tablename);
  expect(tables).toContain('vm_secret');
  const texts = await Promise.all(
    tables.map(
      async (table) =>
        (await executeSql(database.url, `select t::text as line from ${table} t`)).rows as { line: string }[],
    ),
  );
  return texts
    .flat()
    .map(({ line }) => line)
    .join('\n');
}

/** The files of the database and the whole write-ahead log, after a checkpoint, where they are on this machine. */
async function grepDataDirectory(): Promise<string[]> {
  await executeSql(await awaitAdminUrl(), 'checkpoint');
  const { rows } = await executeSql(
    database.url,
    `select current_setting('data_directory') as dir, oid from pg_database where datname = current_database()`,
  );
  const { dir, oid } = rows[0] as { dir: string; oid: number };
  const places = [path.join(dir, 'base', String(oid)), path.join(dir, 'pg_wal')];
  if (
    !(await access(places[1] ?? '').then(
      () => true,
      () => false,
    ))
  )
    return [];
  const patterns = path.join(folder, 'patterns');
  await writeFile(patterns, FORMS.join('\n'));
  // What is not sealed is found: a VM's label.
  const control = await run('grep', ['-rlaF', '-e', 'chatty', ...places]);
  expect(control.stdout).not.toBe('');
  // grep ends with 1 when it finds nothing.
  return run('grep', ['-rlaF', '-f', patterns, ...places]).then(
    ({ stdout }) => stdout.split('\n').filter(Boolean),
    (error: { code: number; stderr: string }) => (error.code === 1 ? [] : [error.stderr]),
  );
}
