import type { Log } from '../../../log.ts';
import type { MachineSpec } from '../../machine.ts';
import type { VolumeInventory } from '../storage/volume-inventory.ts';
import type { MachineVolumes } from '../storage/volumes.ts';
import type { Containers } from '../containers/containers.ts';
import { StaleContainerError } from './stale-container-error.ts';

interface CheckTools {
  readonly containers: Containers;
  readonly inventory: VolumeInventory;
  readonly volumes: MachineVolumes;
  readonly log: Log;
}

/**
 * Checks the volumes of a container that was created and not started. The engine replaces a volume that is removed just
 * before the creation by a blank one, with which the machine must never start: then the container and the blank volumes
 * are removed, and a StaleContainerError starts another attempt.
 */
export async function checkVolumes(
  { containers, inventory, volumes, log }: CheckTools,
  { id, volumes: specified }: MachineSpec,
  ref: string,
  signal: AbortSignal,
): Promise<void> {
  const targets = new Set(specified.map(({ target }) => target));
  if (targets.size === 0) return;
  const mounts = (await containers.inspect(ref, signal))?.Mounts ?? [];
  const names = mounts.flatMap(({ Type, Name, Destination = '' }) =>
    Type === 'volume' && Name && targets.has(Destination) ? [Name] : [],
  );
  const foreign = await inventory.findForeign(id, names, signal);
  if (foreign.length === 0) return;
  log.error(
    { machine: id, ref, volumes: foreign },
    'a volume was removed while its container was created; not starting it',
  );
  await containers.remove(ref, signal);
  await volumes.removeBlank(foreign, signal);
  // The next attempt finds the data, or reports DATA_LOST.
  throw new StaleContainerError(`A volume of machine ${id} was removed before its start.`);
}
