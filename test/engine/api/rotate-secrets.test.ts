import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { readInstallation } from '../../../src/secrets/installation.ts';
import { KeyRing } from '../../../src/secrets/key-ring.ts';
import { encrypt } from '../../../src/secrets/encrypt.ts';
import { rotateSecrets } from '../../../src/secrets/rotate-secrets.ts';
import { SecretBox } from '../../../src/secrets/secret-box.ts';
import {
  decryptSecret,
  readEncryptedSecrets,
  selectEncryptedSecrets,
  type EncryptedSecret,
} from '../../../src/secrets/secret-store.ts';
import type { VmDependencies } from '../../../src/vm/commands/vm-command.ts';
import { createVm } from '../../../src/vm/commands/vm-commands.ts';
import { setSecret } from '../../../src/vm/commands/vm-secrets.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway/gateway.ts';
import { FORWARD, VM_INPUT } from '../../support/vm/vms.ts';

const [FIRST, SECOND, THIRD] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];
const ACCOUNTS = 120;
/** As many as there are connections: nobody waits for one. */
const LANES = 8;
const REFUSED = /unable to authenticate data|Neither SECRETS_KEY nor/;
const never = new AbortController().signal;
const base64 = (key: Buffer): string => key.toString('base64');
const actorOf = (userId: string) => ({ userId, plan: 'core', expiresAt: Date.now() + 600_000, from: '127.0.0.1' });
const userOf = (index: number): string => `user-${index}`;

let database: TestDatabase;
let db: Db;
let vmIds: string[];
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, { max: LANES });
  const catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
  const deps: VmDependencies = { ...(await vaultOf(FIRST)), catalog, forward: FORWARD };
  vmIds = [];
  const seed = async (lane: number): Promise<void> => {
    for (let index = lane; index < ACCOUNTS; index += LANES) {
      const password = `password of ${userOf(index)}`;
      const vm = await createVm(deps, actorOf(userOf(index)), { ...VM_INPUT, password, storageType: 'EPHEMERAL' });
      await setSecret(deps, actorOf(userOf(index)), vm.id, { key: 'NUMBER', value: `${index}` });
      vmIds[index] = vm.id;
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => seed(lane)));
  // As a gateway from before there were data keys would have left it.
  for (const vmId of vmIds.slice(0, 20)) {
    const old = encrypt(FIRST, 1, Buffer.from('from before'), [vmId, 'OLD']);
    await db.insertInto('vm_secret').values({ vm_id: vmId, key: 'OLD', sealed: old }).execute();
  }
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

async function vaultOf(newest: Buffer, previous?: Buffer): Promise<{ db: Db; keyRing: KeyRing; secretBox: SecretBox }> {
  const keyRing = new KeyRing(newest, previous);
  const { keys } = await readInstallation(db, keyRing);
  return { db, keyRing, secretBox: new SecretBox(keyRing, keys) };
}

async function expectAllReadable(secretBox: SecretBox): Promise<void> {
  const secrets = await readEncryptedSecrets(db, vmIds);
  for (const [index, vmId] of vmIds.entries()) {
    const rows = secrets.get(vmId) ?? [];
    const values = Object.fromEntries(rows.map((row) => [row.key, decryptSecret(secretBox, row)]));
    const old = index < 20 ? { OLD: 'from before' } : {};
    expect(values).toMatchObject({ VM_PASSWORD: `password of ${userOf(index)}`, NUMBER: `${index}`, ...old });
  }
}

async function countOf(what: string): Promise<number> {
  const { rows } = await executeSql(database.url, `select count(*)::int as count from ${what}`);
  return (rows[0] as { count: number }).count;
}

it('a ciphertext decrypts in its own row only', async () => {
  const { secretBox } = await vaultOf(FIRST);
  const { rows } = await sql<EncryptedSecret>`${selectEncryptedSecrets} order by s.key, s.vm_id limit 40`.execute(db);
  let refused = 0;
  for (const row of rows) {
    expect(decryptSecret(secretBox, row)).toBeTypeOf('string');
    for (const other of rows.filter((each) => each !== row)) {
      // Alone, and with the data key that encrypts it.
      expect(() => decryptSecret(secretBox, { ...row, sealed: other.sealed })).toThrow(REFUSED);
      const { sealed, data_key_id, encrypted_data_key } = other;
      expect(() => decryptSecret(secretBox, { ...row, sealed, data_key_id, encrypted_data_key })).toThrow(REFUSED);
      refused += 2;
    }
  }
  expect(refused).toBe(40 * 39 * 2);
});

it('a rotation continues where it was stopped, and every value stays readable', { timeout: 90_000 }, async () => {
  const stopping = new AbortController();
  const counted = createDatabase(database.url, {
    max: 2,
    onQuery: (statement) => statement.includes('update data_key') && stopping.abort(),
  });
  const vault = await vaultOf(SECOND, FIRST);
  await expect(rotateSecrets({ ...vault, db: counted }, { renew: false, signal: stopping.signal })).rejects.toThrow(
    'Run it again',
  );
  await counted.destroy();
  const half = await countOf(`data_key where sealed_by = '${vault.keyRing.newest}'`);
  expect([half > 0, half < ACCOUNTS]).toEqual([true, true]);
  await expectAllReadable(vault.secretBox);
  // Neither key alone is enough now, and both say so.
  await expect(vaultOf(SECOND)).rejects.toThrow('SECRETS_KEY is not the key');
  await expect(vaultOf(FIRST)).rejects.toThrow('being rotated to another SECRETS_KEY');

  const [one, other] = await Promise.all([1, 2].map(() => rotateSecrets(vault, { renew: false, signal: never })));
  // Two at once share the work.
  expect((one?.dataKeys ?? 0) + (other?.dataKeys ?? 0)).toBe(ACCOUNTS - half);
  await expectAllReadable((await vaultOf(SECOND)).secretBox);
  await expect(vaultOf(FIRST)).rejects.toThrow('SECRETS_KEY is not the key');
  expect(await countOf('vm_secret where get_byte(sealed, 0) = 1')).toBe(0);
  const before = (await vaultOf(SECOND)).secretBox;
  expect([before.sign('x'), before.fingerprint('x')]).toEqual([
    vault.secretBox.sign('x'),
    vault.secretBox.fingerprint('x'),
  ]);
  expect(await rotateSecrets(await vaultOf(SECOND), { renew: true, signal: never })).toEqual({
    dataKeys: 0,
    values: 2 * ACCOUNTS + 20,
  });
  const renewed = (await vaultOf(SECOND)).secretBox;
  expect([renewed.sign('x') === before.sign('x'), renewed.fingerprint('x') === before.fingerprint('x')]).toEqual([
    false,
    true,
  ]);
  expect(await rotateSecrets(await vaultOf(SECOND), { renew: true, signal: never })).toEqual({
    dataKeys: 0,
    values: 0,
  });
  expect(await countOf('data_key')).toBe(ACCOUNTS);
});

it(
  'a rotation changes nothing while a running gateway lacks the new key, and says what to do',
  { timeout: 60_000 },
  async () => {
    await using gateway = await createTestGateway({
      databaseUrl: database.url,
      env: { SECRETS_KEY: base64(SECOND), ROLES: 'api' },
    });
    await expect(rotateSecrets(await vaultOf(THIRD, SECOND), { renew: true, signal: never })).rejects.toThrow(
      '1 of the gateways that serve this database do not have the new SECRETS_KEY',
    );
    const token = await gateway.token(userOf(0), { plan: 'core' });
    expect(await (await gateway.rest(token, 'GET', '/vms/secrets')).text()).toContain(`password of ${userOf(0)}`);
  },
);

it(
  'runs as a command, killed once, while two gateways serve reads, changes and new accounts without one error',
  { timeout: 120_000 },
  async () => {
    const env = { SECRETS_KEY: base64(THIRD), SECRETS_KEY_PREVIOUS: base64(SECOND), ROLES: 'api' };
    await using one = await createTestGateway({ databaseUrl: database.url, env });
    await using two = await createTestGateway({ databaseUrl: database.url, env });
    const twice = { idempotencyKey: 'before and after' };
    const token = await one.token('newcomer');
    const created = await create(one, token, twice);

    const ending = new AbortController();
    const load = [one, two, one, two].map((gateway, index) => useSecrets(gateway, index, ending.signal));
    await rotate(env, 'SIGKILL');
    const said = await rotate(env);
    ending.abort();
    const counts = await Promise.all(load);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(said).toMatch(/SECRETS_KEY alone decrypts everything/);

    const { secretBox, keyRing } = await vaultOf(THIRD);
    await expectAllReadable(secretBox);
    expect(await countOf(`data_key where sealed_by <> '${keyRing.newest}' or made_under <> '${keyRing.newest}'`)).toBe(
      0,
    );
    // Fingerprints still distinguish the values.
    expect(await create(two, token, twice)).toBe(created);
  },
);

async function create(gateway: TestGateway, token: string, input: object = {}): Promise<string> {
  const query = 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }';
  const { data, errors } = await gateway.graphql<{ createVm: { id: string } }>(token, query, {
    input: { ...VM_INPUT, ...input },
  });
  expect(errors).toBeUndefined();
  return data?.createVm.id ?? '';
}

/**
 * Reads, sets and makes secrets until aborted; how often. Rejects at the first answer that is not as it should be.
 */
async function useSecrets(gateway: TestGateway, lane: number, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (; !signal.aborted; count += 1) {
    const index = (lane * 61 + count) % ACCOUNTS;
    const vmid = vmIds[index] ?? '';
    const token = await gateway.token(userOf(index), { plan: 'core' });
    const set = await gateway.rest(token, 'POST', '/vms/secrets', {
      body: { vmid, key: `LANE_${lane}`, value: `${count}` },
    });
    expect(set.status).toBe(200);
    const answer = await gateway.rest(token, 'GET', '/vms/secrets');
    const { secrets } = (await answer.json()) as { secrets: Record<string, Record<string, string>> };
    expect(secrets[vmid]).toMatchObject({ NUMBER: `${index}`, [`LANE_${lane}`]: `${count}` });
    if (count % 10 === 0) await create(gateway, await gateway.token(`fresh-${lane}-${count}`));
  }
  return count;
}

/**
 * `swiftor rotate-secrets --renew`; killed as soon as it has begun when a signal is given, unless it was quicker. What
 * it said.
 */
async function rotate(env: Readonly<Record<string, string>>, kill?: NodeJS.Signals): Promise<string> {
  const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
  const child = spawn(process.execPath, [cli, 'rotate-secrets', '--renew'], {
    env: { PATH: process.env['PATH'], DATABASE_URL: database.url, LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (kill !== undefined) {
    const { newest } = new KeyRing(THIRD);
    await eventually(() => countOf(`data_key where made_under = '${newest}' and user_id not like 'fresh%'`), {
      deadline: 60_000,
    });
    child.kill(kill);
  }
  const [code] = await ended;
  if (kill === undefined) expect([code, said]).toEqual([0, said]);
  return said;
}
