import type { InsertObject } from 'kysely';
import type { Trx } from '../../db/database.ts';
import type { Database } from '../../db/tables.ts';
import { insertEvent, nextEventSeq } from '../../events/append-event.ts';
import type { EventReason } from '../../events/vm-event.ts';
import { allocatePort } from '../networking/allocate-port.ts';
import { defaultForwards } from '../networking/port-forward.ts';
import { PASSWORD_KEY, writeSecret } from '../../secrets/secret-store.ts';
import type { VmDependencies } from './vm-command.ts';
import type { CreateVmInput } from './vm-input.ts';

/**
 * Inserts a VM that is off, with its ports, its password and the event CREATED. Returns its id. The account must exist.
 */
export async function insertVm(
  trx: Trx,
  { catalog, forward, secretBox }: VmDependencies,
  userId: string,
  input: CreateVmInput,
  { reason, columns }: { reason: EventReason; columns: Partial<InsertObject<Database, 'vm'>> },
): Promise<string> {
  const { seq, at } = await nextEventSeq(trx, userId);
  const { id } = await trx
    .insertInto('vm')
    .values({
      user_id: userId,
      vmlabel: input.vmlabel,
      region: input.region,
      distribution: input.distribution,
      desktop: input.desktop ?? null,
      cpu: input.cpu,
      ram_gb: input.ram,
      persistent: input.storageType === 'PERSISTENT',
      last_event_seq: seq,
      ...columns,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const entry = catalog.distributions.get(input.distribution);
  for (const port of entry === undefined ? [] : defaultForwards(entry)) {
    await allocatePort(trx, forward, { vmId: id, ...port });
  }
  await writeSecret(trx, secretBox, userId, { vmId: id, key: PASSWORD_KEY, value: input.password });
  const event = {
    userId,
    seq,
    vmId: id,
    kind: 'CREATED',
    status: 'STOPPED',
    previousStatus: undefined,
    reason,
    at,
  } as const;
  await insertEvent(trx, event, { wakeReconciler: columns.next_attempt_at != null });
  return id;
}
