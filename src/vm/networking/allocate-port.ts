import { sql, type RawBuilder } from 'kysely';
import type { Db, Trx } from '../../db/database.ts';
import { ApiError } from '../../errors.ts';
import type { ForwardSettings, PortForward } from './port-forward.ts';

type Range = Pick<ForwardSettings, 'from' | 'to'>;

/**
 * Finds a free public port for the protocol; undefined when all are taken. Random, because a port that was just freed
 * would bring the callers of its last VM. Takes an advisory lock: until this transaction ends, no gateway gives out a
 * port. Lock account and VM before.
 */
async function findFreePort(trx: Trx, { from, to }: Range, protocol: string): Promise<number | undefined> {
  // A statement of its own: the next one must see what the last holder of the lock has committed.
  await sql`select pg_advisory_xact_lock(hashtext('vm_port'))`.execute(trx);
  const { rows } = await sql<{ port: number }>`${freePorts({ from, to }, protocol)} order by random() limit 1`.execute(
    trx,
  );
  return rows[0]?.port;
}

/** Whether a port is free now. Another transaction may take it. */
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

/** Inserts a forward to the port and returns its public port; CONFLICT when none is free. */
export async function allocatePort(
  trx: Trx,
  range: Range,
  forward: Pick<PortForward, 'vmId' | 'protocol' | 'internalPort'>,
): Promise<number> {
  const { vmId, protocol, internalPort } = forward;
  const publicPort = await findFreePort(trx, range, protocol);
  if (publicPort === undefined) {
    const ports = `${protocol.toUpperCase()} port from ${range.from} to ${range.to}`;
    throw new ApiError(
      'CONFLICT',
      `Every public ${ports} is taken: remove a forward, or ask the operator to widen FORWARD_PORTS.`,
    );
  }
  await trx
    .insertInto('vm_port')
    .values({ vm_id: vmId, protocol, internal_port: internalPort, public_port: publicPort })
    .execute();
  return publicPort;
}

/** Replaces a public port of the VM that a foreign process holds. Changes nothing when no other is free. */
export async function replacePort(trx: Trx, range: Range, vmId: string, publicPort: number): Promise<void> {
  const held = await trx
    .selectFrom('vm_port')
    .select('protocol')
    .where('vm_id', '=', vmId)
    .where('public_port', '=', publicPort)
    .execute();
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
