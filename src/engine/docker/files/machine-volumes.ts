import path from 'node:path';
import type { Containers } from '../containers/containers.ts';
import type { HostVolume } from '../host/host-container.ts';
import { observeInspected } from '../containers/observe-container.ts';
import type { VolumeInventory } from '../storage/volume-inventory.ts';

interface MountTools {
  readonly containers: Containers;
  readonly inventory: VolumeInventory;
  readonly installationId: string;
}

/** The volumes of a machine at their places in its running container; undefined if that does not run. */
export async function findMountedVolumes(
  { containers, inventory, installationId }: MountTools,
  id: string,
  ref: string,
  signal: AbortSignal,
): Promise<readonly Omit<HostVolume, 'writable'>[] | undefined> {
  const [details, own] = await Promise.all([containers.inspect(ref, signal), inventory.list(signal, id)]);
  const observation = details && observeInspected(details, installationId);
  if (observation?.id !== id || observation.state !== 'running') return undefined;
  const names = new Set(own.map(({ engineName }) => engineName));
  return (details?.Mounts ?? []).flatMap(({ Type, Name, Destination = '' }) =>
    Type === 'volume' && Name !== undefined && names.has(Name) ? [{ name: Name, target: Destination }] : [],
  );
}

/** The paths from the volume that holds `file` down to it, itself included; undefined if none holds it. */
export function partsBelow(
  volumes: readonly { readonly target: string }[],
  file: string,
): readonly string[] | undefined {
  if (path.posix.normalize(file) !== file || file.includes('\0')) return undefined;
  const root = volumes
    .map(({ target }) => target)
    .filter((target) => file === target || file.startsWith(`${target}/`))
    .toSorted((one, other) => one.length - other.length)[0];
  if (root === undefined) return undefined;
  const names = file
    .slice(root.length + 1)
    .split('/')
    .filter((name) => name !== '');
  return names.reduce<string[]>((parts, name) => [...parts, `${parts.at(-1) ?? ''}/${name}`], [root]);
}
