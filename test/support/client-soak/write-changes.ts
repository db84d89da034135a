import { pause } from '../../../client/src/watch/pause.ts';
import { runTransaction } from '../../../src/db/transaction.ts';
import { changeVm } from '../../../src/vm/store/vm-change.ts';
import type { Vm } from '../../../src/vm/vm.ts';
import type { Random } from '../../chaos/workload/random.ts';
import type { EventFixture } from '../database/event-fixture.ts';

const MOST_VMS = 8;

/**
 * Changes VMs of the account at random until the signal aborts: straight in the database, so that changes go on while
 * no gateway runs. At least one VM is left.
 */
export async function writeChanges(
  fixture: EventFixture,
  { userId, random, everyMs }: { userId: string; random: Random; everyMs: number },
  signal: AbortSignal,
): Promise<void> {
  const vms: Vm[] = [];
  for (let count = 0; !signal.aborted; count += 1) {
    const chosen = vms[random.below(Math.max(1, vms.length))];
    const dice = random.below(10);
    if (chosen === undefined || (dice === 0 && vms.length < MOST_VMS)) vms.push(await fixture.newVm(userId));
    else if (dice === 1 && vms.length > 1) await removeVm(fixture, vms.splice(vms.indexOf(chosen), 1)[0] ?? chosen);
    else await fixture.rename(chosen, `label ${count}`);
    await pause(everyMs * 2 * random.next(), signal);
  }
}

/** As a reconciler does it at the end of a deletion. */
async function removeVm({ db }: EventFixture, vm: Vm): Promise<void> {
  await runTransaction(db, async (trx) => {
    await changeVm(trx, vm, { kind: 'DELETED', status: 'DELETED', reason: 'USER' });
    await trx.deleteFrom('vm').where('id', '=', vm.id).execute();
  });
}
