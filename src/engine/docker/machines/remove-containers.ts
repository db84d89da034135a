import type { VolumeInventory } from '../storage/volume-inventory.ts';
import type { Containers } from '../containers/containers.ts';

/** Removes the containers of a machine. */
export async function removeContainers(
  { containers, inventory }: { readonly containers: Containers; readonly inventory: VolumeInventory },
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await containers.list(signal, id);
  for (const { Id } of found) {
    // Noted before the container is gone, because a list of volumes can be incomplete.
    for (const { Type, Name } of (await containers.inspect(Id, signal))?.Mounts ?? [])
      if (Type === 'volume' && Name) inventory.note(id, Name);
  }
  await Promise.all(found.map(({ Id }) => containers.remove(Id, signal)));
}
