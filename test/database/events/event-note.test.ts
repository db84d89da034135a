import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { runTransaction } from '../../../src/db/transaction.ts';
import { Listener } from '../../../src/db/listen.ts';
import { decodeEventNote, insertEvent, nextEventSeq } from '../../../src/events/append-event.ts';
import { readEvents } from '../../../src/events/event-store.ts';
import type { VmEvent } from '../../../src/events/vm-event.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { eventually } from '../../support/eventually.ts';

it('an event is the same from its notification and from the table, to the millisecond', async () => {
  await using undo = new AsyncDisposableStack();
  const database = undo.use(await createTestDatabase());
  const db = createDatabase(database.url, { max: 1 });
  undo.defer(() => db.destroy());
  const listener = await Listener.open({ url: database.url });
  undo.defer(() => listener.close());
  const told: (VmEvent | undefined)[] = [];
  listener.on('vm_event', (payload) => told.push(decodeEventNote(payload).event));
  await sql`insert into account (user_id, plan) values ('noted', 'core')`.execute(db);
  const common = { userId: 'noted', vmId: randomUUID(), kind: 'CHANGED', status: 'RUNNING', reason: 'BOOT' } as const;
  for (let number = 0; number < 200; number += 1) {
    // Whatever microsecond it is committed at.
    await runTransaction(db, async (trx) => {
      const { seq, at } = await nextEventSeq(trx, common.userId);
      const previousStatus = number % 2 === 0 ? 'BOOTING' : undefined;
      await insertEvent(trx, { ...common, seq, at, previousStatus }, { wakeReconciler: false });
    });
  }
  await eventually(() => expect(told).toHaveLength(200));
  const { events } = await readEvents(db, common.userId, 0);
  expect(told).toEqual(events);
});

it('a notification of an older gateway, with microseconds and an offset, has the same time', () => {
  const body = {
    seq: 1,
    kind: 'CREATED',
    status: 'STOPPED',
    previousStatus: null,
    reason: 'USER',
    at: '2026-11-24T10:30:00.123456+01:00',
  };
  const { event } = decodeEventNote(JSON.stringify(['noted', 'a', body]));
  expect(event).toEqual({
    seq: 1,
    kind: 'CREATED',
    vmId: 'a',
    status: 'STOPPED',
    reason: 'USER',
    at: '2026-11-24T09:30:00.123Z',
  });
});
