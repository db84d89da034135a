import { sql } from 'kysely';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import { notifyAfterCommit, runTransaction } from '../../../src/db/transaction.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { eventually } from '../../support/eventually.ts';

let db: Db;
const statements: string[] = [];
let heard: string[];

beforeEach(async () => {
  const undo = new AsyncDisposableStack();
  onTestFinished(() => undo.disposeAsync());
  const { url } = undo.use(await createTestDatabase());
  db = undo.adopt(createDatabase(url, { onQuery: (text) => statements.push(text) }), (open) => open.destroy());
  const listener = undo.adopt(await Listener.open({ url }), (open) => open.close());
  heard = [];
  listener.on('vm_due', (payload) => heard.push(payload));
  statements.length = 0;
});

const notify = (payload: string, then?: () => Promise<unknown>) =>
  runTransaction(db, async (trx) => {
    await sql`select 1`.execute(trx);
    notifyAfterCommit(trx, 'vm_due', payload);
    await then?.();
  });

it('a notification is sent after the commit, and none after a rollback', async () => {
  const failure = notify('rolled back', () => Promise.reject(new Error('no')));
  await expect(failure).rejects.toThrow('no');
  await notify('committed');
  await eventually(() => expect(heard).toEqual(['committed']));
  const sent = statements.findIndex((text) => text.includes('pg_notify'));
  expect(statements[sent - 1]).toBe('commit');
});

it('notifications of many transactions share statements, and none is lost', async () => {
  const payloads = Array.from({ length: 200 }, (_, index) => String(index));
  await Promise.all(payloads.map((payload) => notify(payload)));
  await eventually(() => expect(heard.toSorted()).toEqual(payloads.toSorted()));
  expect(statements.filter((text) => text.includes('pg_notify')).length).toBeLessThan(150);
});

it('a transaction that committed succeeds, even if its notification cannot be sent', async () => {
  // Above the size that PostgreSQL accepts.
  await expect(notify('x'.repeat(9_000))).resolves.toBeUndefined();
  await notify('next');
  await eventually(() => expect(heard).toEqual(['next']));
});

it('notifying from another kind of transaction throws', async () => {
  const work = db.transaction().execute(async (trx) => notifyAfterCommit(trx, 'vm_due', 'a'));
  await expect(work).rejects.toThrow(/runTransaction/);
});
