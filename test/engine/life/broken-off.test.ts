import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadCatalog, type Catalog } from '../../../src/catalog/catalog.ts';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import { reconcileVm } from '../../../src/reconciler/reconcile-vm.ts';
import type { Setback } from '../../../src/reconciler/failure/setbacks.ts';
import { shareStatements } from '../../../src/reconciler/iteration/shared-statements.ts';
import { claimDue } from '../../../src/reconciler/iteration/vm-lease.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { newInstallationId, removeInstallation, testDriver, testImage } from '../../support/engine/engines.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openTestSecretBox } from '../../support/database/secret-box.ts';
import { FORWARD } from '../../support/vm/vms.ts';

const installationId = newInstallationId();
const parts = new AsyncDisposableStack();
let proxy: EngineProxy;
let driver: EngineDriver;
let url: string;
let db: Db;
let catalog: Catalog;
beforeAll(async () => {
  parts.defer(() => removeInstallation(installationId));
  proxy = parts.use(await openEngineProxy());
  driver = parts.adopt(testDriver(installationId, { endpoint: proxy.endpoint, isolation: 'off' }), (open) =>
    open.close(),
  );
  ({ url } = parts.use(await createTestDatabase()));
  db = parts.adopt(createDatabase(url), (open) => open.destroy());
  await executeSql(url, "insert into account (user_id, plan) values ('alice', 'core')");
  const dir = await mkdtemp(path.join(tmpdir(), 'swiftor-catalog-'));
  parts.defer(() => rm(dir, { recursive: true }));
  const catalogFile = path.join(dir, 'catalog.json');
  await writeFile(
    catalogFile,
    JSON.stringify({ distributions: [{ code: 'ubuntu', image: await testImage(), defaultPort: 3000 }] }),
  );
  catalog = await loadCatalog({ catalogFile, defaultPlan: 'core', regions: ['AU'] });
});
afterAll(() => parts.disposeAsync(), 60_000);

const OUT_OF_ORDER = { kind: 'answer', status: 500, body: { message: 'out of order' } } as const;
/** When a boot is over. */
const LONG: Setback = { count: 5, seconds: 120 };

/** One pass over a VM in that status, as if as many had been broken off before. */
async function pass(status: string, setback: Setback, changes: { isFaulty?: boolean } = {}) {
  await executeSql(url, 'delete from vm');
  await executeSql(
    url,
    `insert into vm (user_id, vmlabel, region, distribution, desktop, cpu, ram_gb, persistent, enabled, deleting, status, next_attempt_at)
     values ('alice', 'a', 'AU', 'ubuntu', 'xfce', 1, 1, false, ${status !== 'DELETING'}, ${status === 'DELETING'}, '${status}', now())`,
  );
  const [lease] = await claimDue(db, 'test', ['AU'], { work: 1, look: 1 });
  if (lease === undefined) throw new Error('The VM is not due.');
  const noted: string[] = [];
  const deps = {
    db,
    catalog,
    secretBox: await openTestSecretBox(db),
    statements: shareStatements(db, 'test'),
    forward: FORWARD,
    log: pino({ level: 'silent' }),
    setbacks: { note: (id: string) => (noted.push(id), setback), clear: () => undefined },
    driverOf: () => driver,
    policyOf: () => {
      if (changes.isFaulty === true) throw new TypeError('a defect of ours');
      return { egress: 'internet' as const };
    },
    isAway: () => false,
    hasRoom: async () => true,
  };
  const never = new AbortController().signal;
  const calls = { beginIteration: () => ({ signal: never, engineEvent: never }), mayWork: () => true };
  const result = await reconcileVm(deps, lease, calls, never);
  const row = await db.selectFrom('vm').select(['status', 'attempts', 'last_failure']).executeTakeFirstOrThrow();
  return { ...row, nextInSeconds: result?.nextInSeconds, noted: noted.length };
}

const refuse = (call: RegExp) => onTestFinished(proxy.rule({ call, act: OUT_OF_ORDER }));

describe('a boot on an engine that fails every call', () => {
  it('is retried without a failure', async () => {
    refuse(/^POST \/containers\/create/);
    const { status, ...rest } = await pass('QUEUED', { count: 3, seconds: 600 });
    expect(['QUEUED', 'PULLING', 'STARTING']).toContain(status);
    expect(rest).toEqual({ attempts: 0, last_failure: null, nextInSeconds: 8, noted: 1 });
  });

  it.each([/^POST \/containers\/create/, /^GET \/containers\/json/])(
    "fails after two minutes with the engine's message: %s",
    async (call) => {
      refuse(call);
      const { status, attempts, last_failure } = await pass('QUEUED', LONG);
      expect([status, attempts]).toEqual(['FAILED', 1]);
      expect(last_failure).toMatchObject({
        message: expect.stringContaining('out of order'),
        retryAt: expect.any(String),
      });
    },
  );

  it('fails after two minutes of a bug of ours, too, and says where the reason is', async () => {
    const { status, last_failure } = await pass('QUEUED', LONG, { isFaulty: true });
    expect(status).toBe('FAILED');
    expect(last_failure).toMatchObject({ message: 'The gateway could not start the app; its log says why.' });
  });
});

it.each(['RUNNING', 'DEGRADED', 'UNKNOWN', 'DELETING'])(
  'a VM that is %s keeps its status for as long as its engine fails',
  async (status) => {
    refuse(/./);
    const seen = await pass(status, LONG, { isFaulty: status === 'DEGRADED' });
    expect(seen).toMatchObject({ status, attempts: 0, last_failure: null, noted: 1 });
  },
);
