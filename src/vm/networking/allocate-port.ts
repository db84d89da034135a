import { sql, type RawBuilder } from 'kysely';
import type { Db, Trx } from '../../db/database.ts';
import { ApiError } from '../../errors.ts';
import type { ForwardSettings, PortForward } from './port-forward.ts';

type Range = Pick<ForwardSettings, 'from' | 'to'>;

/**
 * A public port of the range that no forward of that protocol has, undefined when all are taken; it is the transaction's to
 * insert. Any of the free ones: what one VM has just let go of would otherwise be the next one's, with its callers. Lock account
 * and VM before; until the transaction ends nobody else, on any gateway, is given one.
 */
async function findFreePort(trx: Trx, { from, to }: Range, protocol: string): Promise<number | undefined> {
  // In a statement of its own: the next one must see what the lock's last holder has committed.
  await sql`select pg_advisory_xact_lock(hashtext('vm_port'))`.execute(trx);
  const { rows } = await sql<{ port: number }>`${freePorts({ from, to }, protocol)} order by random() limit 1`.execute(trx);
  return rows[0]?.port;
}

/** Whether there is one now; another may be quicker. */
export async function hasFreePort(db: Db, range: Range, protocol: string): Promise<boolean> {
  const { rows } = await sql`${freePorts(range, protocol)} limit 1`.execute(db);
  return rows.length > 0;
}

function freePorts({ from, to }: Range, protocol: string): RawBuilder<{ port: number }> {
  return sql`
    select port from generate_series(${sql.lit(from)}, ${sql.lit(to)}) as port
    where not exists (select from vm_port where protocol = ${protocol} and public_port = port)
  `;
}

/** Gives the VM a forward to that port; CONFLICT when the range is used up. */
export async function allocatePort(
  trx: Trx,
  range: Range,
  forward: Pick<PortForward, 'vmId' | 'protocol' | 'internalPort'>,
): Promise<number> {
  const { vmId, protocol, internalPort } = forward;
  const publicPort = await findFreePort(trx, range, protocol);
  if (publicPort === undefined) {
    const ports = `${protocol.toUpperCase()} port from ${range.from} to ${range.to}`;
    throw new ApiError('CONFLICT', `Every public ${ports} is taken: remove a forward, or ask the operator to widen FORWARD_PORTS.`);
  }
  await trx.insertInto('vm_port').values({ vm_id: vmId, protocol, internal_port: internalPort, public_port: publicPort }).execute();
  return publicPort;
}

/** Gives the VM another public port in place of one that something foreign holds. Nothing changes when there is no other. */
export async function replacePort(trx: Trx, range: Range, vmId: string, publicPort: number): Promise<void> {
  const held = await trx.selectFrom('vm_port').select('protocol').where('vm_id', '=', vmId).where('public_port', '=', publicPort).execute();
  for (const { protocol } of held) {
    const other = await findFreePort(trx, range, protocol);
    if (other === undefined) continue;
    await trx
      .updateTable('vm_port')
      .set({ public_port: other })
      .where('vm_id', '=', vmId)
      .where('protocol', '=', protocol)
      .where('public_port', '=', publicPort)
      .execute();
  }
}
