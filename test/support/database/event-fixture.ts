import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import { BootProgress } from '../../../src/events/boot-progress.ts';
import { EventStreams } from '../../../src/events/event-streams.ts';
import type { VmEvent } from '../../../src/events/vm-event.ts';
import { createLog } from '../../../src/log.ts';
import type { VmDependencies } from '../../../src/vm/commands/vm-command.ts';
import { createVm, updateVm } from '../../../src/vm/commands/vm-commands.ts';
import type { Vm } from '../../../src/vm/vm.ts';
import { createTestDatabase } from './database.ts';
import { openTestSecretBox } from './secret-box.ts';
import { FORWARD, VM_INPUT } from '../vm/vms.ts';

/** Event streams over a database of their own, without a gateway. */
export interface EventFixture extends AsyncDisposable {
  readonly db: Db;
  readonly databaseUrl: string;
  readonly listener: Listener;
  readonly streams: EventStreams;
  readonly deps: VmDependencies;
  newVm(userId: string): Promise<Vm>;
  rename(vm: Vm, vmlabel: string): Promise<Vm>;
}

export async function openEventFixture(): Promise<EventFixture> {
  const database = await createTestDatabase();
  const db = createDatabase(database.url, { max: 20 });
  const log = await createLog({ level: 'silent' });
  const listener = await Listener.open({ url: database.url });
  const streams = new EventStreams({ db, listener, bootProgress: new BootProgress(listener), log });
  const catalog = await loadCatalog({ defaultPlan: 'engineer', regions: ['AU'] });
  const deps = { db, catalog, secretBox: await openTestSecretBox(db), forward: FORWARD };
  return {
    db,
    databaseUrl: database.url,
    listener,
    streams,
    deps,
    newVm: (userId) => createVm(deps, viewerOf(userId), { ...VM_INPUT, storageType: 'EPHEMERAL' }),
    rename: (vm, vmlabel) => updateVm(deps, viewerOf(vm.userId), vm.id, { vmlabel }),
    async [Symbol.asyncDispose]() {
      streams.close();
      await listener.close();
      await db.destroy();
      await database[Symbol.asyncDispose]();
    },
  };
}

export function viewerOf(userId: string) {
  return { userId, plan: 'engineer', expiresAt: Date.now() + 600_000, from: '127.0.0.1' };
}

/** The events that a reader gets until the one with that seq. */
export async function readUntil(source: AsyncIterableIterator<VmEvent>, seq: number): Promise<VmEvent[]> {
  const seen: VmEvent[] = [];
  for await (const event of source) {
    seen.push(event);
    if (event.seq >= seq) break;
  }
  return seen;
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
