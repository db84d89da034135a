import type { Db } from '../../db/database.ts';
import type { EngineError } from '../../engine/engine-error.ts';
import { hasFreePort, replacePort } from '../../vm/networking/allocate-port.ts';
import type { ForwardSettings } from '../../vm/networking/port-forward.ts';
import type { VmIteration } from './vm-iteration.ts';

/** If more ports in a row are taken, it is no accident: the VM fails and is retried with backoff. */
const MAX_MOVES = 5;

/**
 * Gives the VM another public port for one that a foreign process on the engine's host holds, and writes an event. The
 * next iteration starts the VM there. Returns false when no port is free or the VM was moved too often.
 */
export async function movePort(
  db: Db,
  iteration: VmIteration,
  forward: ForwardSettings,
  { port }: EngineError,
): Promise<boolean> {
  const { vm, writer, log } = iteration;
  if (port === undefined || vm.attempts >= MAX_MOVES) return false;
  const taken = vm.ports.filter(({ publicPort }) => publicPort === port);
  const free = await Promise.all(taken.map(({ protocol }) => hasFreePort(db, forward, protocol)));
  if (!free.includes(true)) return false;
  log.warn({ port }, 'a public port of the VM is in use by something else; choosing another');
  await writer.announce('ENGINE', { attempts: vm.attempts + 1 }, (trx) => replacePort(trx, forward, vm.id, port));
  return true;
}
