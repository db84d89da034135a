import type { Db } from '../../db/database.ts';
import type { EngineError } from '../../engine/engine-error.ts';
import { hasFreePort, replacePort } from '../../vm/networking/allocate-port.ts';
import type { ForwardSettings } from '../../vm/networking/port-forward.ts';
import type { VmPass } from './vm-pass.ts';

/** More than a few ports in a row that are held are no accident: the VM then fails, with its backoff. */
const MAX_MOVES = 5;

/**
 * Gives the VM another public port for one that something foreign holds on the engine's host, and tells; the next look starts it
 * there. False when there is no other, or when that was done often enough.
 */
export async function movePort(db: Db, { vm, writer, log }: VmPass, forward: ForwardSettings, { port }: EngineError): Promise<boolean> {
  if (port === undefined || vm.attempts >= MAX_MOVES) return false;
  const held = vm.ports.filter(({ publicPort }) => publicPort === port);
  const others = await Promise.all(held.map(({ protocol }) => hasFreePort(db, forward, protocol)));
  if (!others.includes(true)) return false;
  log.warn({ port }, 'a public port of the VM is held by something else: it gets another');
  await writer.announce('ENGINE', { attempts: vm.attempts + 1 }, (trx) => replacePort(trx, forward, vm.id, port));
  return true;
}
