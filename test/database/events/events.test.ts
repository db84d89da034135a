import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sql } from 'kysely';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import { BootProgress } from '../../../src/events/boot-progress.ts';
import { EventStreams, type EventRequest } from '../../../src/events/event-streams.ts';
import type { VmEvent } from '../../../src/events/vm-event.ts';
import { createLog } from '../../../src/log.ts';
import type { VmDependencies } from '../../../src/vm/commands/vm-command.ts';
import { startVm, stopVm } from '../../../src/vm/commands/vm-commands.ts';
import type { Vm } from '../../../src/vm/vm.ts';
import {
  openEventFixture,
  range,
  readUntil,
  viewerOf,
  type EventFixture,
} from '../../support/database/event-fixture.ts';
import { removeVmRow } from '../../support/database/remove-vm-row.ts';
import { eventually } from '../../support/eventually.ts';

let fixture: EventFixture;
let db: Db;
let streams: EventStreams;
let deps: VmDependencies;
beforeAll(async () => {
  fixture = await openEventFixture();
  ({ db, streams, deps } = fixture);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const newVm = (userId: string): Promise<Vm> => fixture.newVm(userId);
const rename = (vm: Vm, vmlabel: string): Promise<Vm> => fixture.rename(vm, vmlabel);

describe('vmEvents', () => {
  it('starts with a snapshot of each VM, and the last carries the seq of the account', async () => {
    const vms = [await newVm('snap'), await newVm('snap'), await newVm('snap')];
    await rename(vms[0] as Vm, 'renamed');
    const seen = await readUntil(await streams.subscribe({ userId: 'snap' }), 4);
    expect(seen.map(({ kind, vmId, seq }) => [kind, vmId, seq])).toEqual([
      ['SNAPSHOT', vms[1]?.id, 2],
      ['SNAPSHOT', vms[2]?.id, 3],
      ['SNAPSHOT', vms[0]?.id, 4],
    ]);
  });

  it('replays all events after a cursor and continues live, without a gap or a repetition', async () => {
    const vm = await newVm('replay');
    for (const label of ['a', 'b', 'c']) await rename(vm, label);
    const source = await streams.subscribe({ userId: 'replay', after: '2' });
    await rename(vm, 'd');
    expect((await readUntil(source, 5)).map(({ seq }) => seq)).toEqual([3, 4, 5]);
  });

  it('starts with snapshots for a cursor that was pruned or is ahead of the account', async () => {
    const vm = await newVm('old');
    for (const label of ['a', 'b', 'c']) await rename(vm, label);
    await db.deleteFrom('vm_event').where('user_id', '=', 'old').where('seq', '<', 3).execute();
    for (const after of ['1', '99']) {
      const [first] = await readUntil(await streams.subscribe({ userId: 'old', after }), 4);
      expect([after, first?.kind, first?.seq]).toEqual([after, 'SNAPSHOT', 4]);
    }
    expect((await readUntil(await streams.subscribe({ userId: 'old', after: '2' }), 4)).map(({ seq }) => seq)).toEqual([
      3, 4,
    ]);
  });

  it('delivers only the events of the requested VM and ends after its DELETED', async () => {
    const [vm, other] = [await newVm('one'), await newVm('one')];
    const source = await streams.subscribe({ userId: 'one', vmId: vm.id });
    await rename(other, 'x');
    await rename(vm, 'y');
    await db.transaction().execute(async (trx) => {
      await sql`update account set event_seq = event_seq + 1 where user_id = 'one'`.execute(trx);
      await sql`insert into vm_event (user_id, seq, vm_id, kind, status) values ('one', 5, ${vm.id}, 'DELETED', 'DELETED')`.execute(
        trx,
      );
      await sql`delete from vm where id = ${vm.id}`.execute(trx);
      await sql`select pg_notify('vm_event', ${JSON.stringify(['one', vm.id])})`.execute(trx);
    });
    const seen = [];
    for await (const { kind, vmId } of source) seen.push([kind, vmId]);
    expect(seen).toEqual([
      ['SNAPSHOT', vm.id],
      ['CHANGED', vm.id],
      ['DELETED', vm.id],
    ]);
    const late = [];
    for await (const { kind } of await streams.subscribe({ userId: 'one', vmId: vm.id, after: '4' })) late.push(kind);
    expect(late).toEqual(['DELETED']);
    await expect(streams.subscribe({ userId: 'one', vmId: vm.id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each([
    ['ends with NOT_FOUND', undefined],
    ['is replayed', '0'],
  ])('of a VM that is deleted while it is read %s', async (what, after) => {
    const userId = `racer ${what}`;
    const vm = await newVm(userId);
    // A cursor whose events were pruned.
    if (after !== undefined) await sql`delete from vm_event where user_id = ${userId}`.execute(db);
    let isRemoved = false;
    const racing = db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (!isRemoved) await removeVmRow(fixture.databaseUrl, vm.id);
        isRemoved = true;
        return result;
      },
    });
    const { listener } = fixture;
    const log = await createLog({ level: 'silent' });
    const own = new EventStreams({ db: racing, listener, bootProgress: new BootProgress(listener), log });
    onTestFinished(() => own.close());
    const reading = own
      .subscribe({ userId, vmId: vm.id, after })
      .then((reader) => readUntil(reader, Number.POSITIVE_INFINITY));
    if (after === undefined) await expect(reading).rejects.toMatchObject({ code: 'NOT_FOUND' });
    else expect((await reading).map(({ kind }) => kind)).toEqual(['DELETED']);
  });

  it('marks the end of snapshots and of a replay, for those who ask for it', async () => {
    const kinds = async (request: EventRequest, count: number): Promise<unknown[]> => {
      const source = await streams.subscribe({ ...request, markers: true });
      const seen = await Promise.all(Array.from({ length: count }, () => source.next()));
      await source.return?.();
      return seen.map(({ value }: { value: VmEvent }) => [value.kind, value.seq]);
    };
    // An account without a VM, and one that was never seen.
    expect(await kinds({ userId: 'nobody' }, 1)).toEqual([['SNAPSHOT_END', 0]]);
    const vm = await newVm('marked');
    await newVm('marked');
    const snapshots = [
      ['SNAPSHOT', 1],
      ['SNAPSHOT', 2],
      ['SNAPSHOT_END', 2],
    ];
    expect(await kinds({ userId: 'marked' }, 3)).toEqual(snapshots);
    expect(await kinds({ userId: 'marked', vmId: vm.id }, 2)).toEqual([
      ['SNAPSHOT', 2],
      ['SNAPSHOT_END', 2],
    ]);
    expect(await kinds({ userId: 'marked', after: '1' }, 2)).toEqual([
      ['CREATED', 2],
      ['REPLAY_END', 2],
    ]);
    expect(await kinds({ userId: 'marked', after: '2' }, 1)).toEqual([['REPLAY_END', 2]]);
    // A cursor of another database: what was seen with it no longer holds.
    expect(await kinds({ userId: 'marked', after: '99' }, 3)).toEqual(snapshots);
    expect(await kinds({ userId: 'nobody', after: '99' }, 1)).toEqual([['SNAPSHOT_END', 0]]);
    const live = await streams.subscribe({ userId: 'marked', after: '2', markers: true });
    await rename(vm, 'later');
    expect((await readUntil(live, 3)).map(({ kind }) => kind)).toEqual(['REPLAY_END', 'CHANGED']);
  });

  it("refuses another account's VM, an unknown VM, and a cursor that is not a number", async () => {
    const vm = await newVm('owner');
    await expect(streams.subscribe({ userId: 'stranger', vmId: vm.id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(
      streams.subscribe({ userId: 'owner', vmId: '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f' }),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(streams.subscribe({ userId: 'owner', vmId: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const after of ['x', '-1', '1.5', '', '9'.repeat(30)]) {
      await expect(streams.subscribe({ userId: 'owner', after })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });

  // Most of the time they wait.
  it.concurrent('delivers events whose notification was lost', async () => {
    const vm = await newVm('lost');
    const source = await streams.subscribe({ userId: 'lost' });
    await sql`
      with seq as (update account set event_seq = event_seq + 1 where user_id = 'lost' returning event_seq)
      insert into vm_event (user_id, seq, vm_id, kind, status) select 'lost', event_seq, ${vm.id}, 'CHANGED', 'STOPPED' from seq
    `.execute(db);
    expect((await readUntil(source, 2)).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it.concurrent('numbers concurrent changes without gaps, in the order in which they become visible', async () => {
    const vms = await Promise.all(Array.from({ length: 6 }, () => newVm('busy')));
    const source = await streams.subscribe({ userId: 'busy', after: '6' });
    await Promise.all(
      vms.map(async (vm) => {
        await startVm(deps, viewerOf('busy'), vm.id).catch(() => undefined);
        for (let count = 0; count < 20; count += 1) await rename(vm, `label ${count}`);
        await stopVm(deps, viewerOf('busy'), vm.id);
      }),
    );
    const { event_seq } = await db
      .selectFrom('account')
      .select('event_seq')
      .where('user_id', '=', 'busy')
      .executeTakeFirstOrThrow();
    expect((await readUntil(source, event_seq)).map(({ seq }) => seq)).toEqual(range(7, event_seq));
  });

  it.concurrent('ends a reader that does not read, with an error that says how to resume', async () => {
    const vm = await newVm('slow');
    const source = await streams.subscribe({ userId: 'slow' });
    await sql`
      insert into vm_event (user_id, seq, vm_id, kind, status)
      select 'slow', seq, ${vm.id}, 'CHANGED', 'STOPPED' from generate_series(2, 3000) as seq
    `.execute(db);
    await sql`update account set event_seq = 3000 where user_id = 'slow'`.execute(db);
    await eventually(() => streams.count() === 0);
    const read: VmEvent[] = [];
    const end = await (async () => {
      for await (const event of source) read.push(event);
    })().catch((error: unknown) => error);
    expect(end).toMatchObject({ code: 'RATE_LIMITED' });
    expect(read.map(({ seq }) => seq)).toEqual(range(1, read.at(-1)?.seq ?? 0));
  });

  it('takes no number for a command that changes nothing', async () => {
    const viewer = { ...viewerOf('idle'), plan: 'core' };
    const [running, off] = [await newVm('idle'), await newVm('idle')];
    await startVm(deps, viewer, running.id);
    const readSeq = async () => {
      const [row] = await db.selectFrom('account').select('event_seq').where('user_id', '=', 'idle').execute();
      return row?.event_seq;
    };
    const before = await readSeq();
    await stopVm(deps, viewer, off.id);
    await expect(startVm(deps, viewer, off.id)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    expect(await readSeq()).toBe(before);
  });

  it('frees a reader at once when it leaves, even while it waits', async () => {
    await newVm('leaver');
    const before = streams.count();
    const source = await streams.subscribe({ userId: 'leaver' });
    await source.next();
    const waiting = source.next();
    expect(streams.count()).toBe(before + 1);
    await source.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(streams.count()).toBe(before);
  });

  it('continues after the listening connection was closed', async () => {
    const vm = await newVm('cut');
    const source = await streams.subscribe({ userId: 'cut' });
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'swiftor-listener' and datname = current_database()`.execute(
      db,
    );
    const { lastEventSeq } = await rename(vm, 'after the cut');
    expect((await readUntil(source, lastEventSeq)).map(({ seq }) => seq)).toEqual(range(1, lastEventSeq));
  });

  it('costs no statement for accounts without a reader, and one connection for all others', async () => {
    const statements: string[] = [];
    const counted = createDatabase(fixture.databaseUrl, { max: 2, onQuery: (statement) => statements.push(statement) });
    const log = await createLog({ level: 'silent' });
    const own = await Listener.open({ url: fixture.databaseUrl });
    const observed = new EventStreams({ db: counted, listener: own, bootProgress: new BootProgress(own), log });
    try {
      const heardOf = (userId: string) =>
        new Promise<void>((resolve) =>
          own.on('vm_event', (payload) => payload.includes(JSON.stringify(userId)) && resolve()),
        );
      // A notification that comes while the reader begins makes it read once more.
      const created = heardOf('unread');
      const [read, unread] = [await newVm('read'), await newVm('unread')];
      await created;
      const source = await observed.subscribe({ userId: 'read' });
      await source.next();
      statements.length = 0;
      const heard = heardOf('unread');
      await rename(unread, 'nobody reads this');
      await heard;
      const { lastEventSeq } = await rename(read, 'somebody reads this');
      expect((await readUntil(source, lastEventSeq)).map(({ seq }) => seq)).toEqual([lastEventSeq]);
      expect(statements.filter((statement) => statement.includes('vm_event'))).toEqual([]);
      const readers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => observed.subscribe({ userId: `reader-${index}` })),
      );
      const { rows } = await sql<{ count: number }>`
        select count(*) from pg_stat_activity where datname = current_database() and application_name = 'swiftor-listener'
      `.execute(db);
      // Ours here, and the one of this file's other streams.
      expect(rows[0]?.count).toBe(2);
      for (const reader of readers) await reader.return?.();
    } finally {
      observed.close();
      await own.close();
      await counted.destroy();
    }
  });
});
