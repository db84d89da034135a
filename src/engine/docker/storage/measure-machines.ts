import type Docker from 'dockerode';
import type { MachineStorage } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import type { ImageStorage } from './image-storage.ts';
import { readEngineSizes } from './read-engine-sizes.ts';
import type { MeasuredDirectory } from './storage-commands.ts';
import type { DirectorySize, StorageReadings } from './storage-readings.ts';
import type { OwnVolume, VolumeInventory } from './volume-inventory.ts';

export interface MeasureTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly inventory: VolumeInventory;
  readonly images: ImageStorage;
}

/** What a machine holds in one place. */
interface Holding extends DirectorySize {
  readonly id: string;
  readonly isLasting: boolean;
  /** Of a container's writable layer. */
  readonly ref?: string;
}

/** Its bytes and completeness are yet to be measured. */
type Place = Omit<Holding, keyof DirectorySize> & MeasuredDirectory;

/** Nothing is known of it: never taken for an empty one. */
const UNKNOWN: DirectorySize = { bytes: 0, isWhole: false };

/** See `EngineDriver.measureStorage`. */
export async function measureMachines(
  tools: MeasureTools,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, MachineStorage>> {
  const machines = new Map<string, MachineStorage>();
  for (const { id, isLasting, bytes, isWhole, ref } of await measurePlaces(tools, signal)) {
    const before = machines.get(id) ?? { lastingBytes: 0, scratchBytes: 0, isWhole: true };
    machines.set(id, {
      ...before,
      lastingBytes: before.lastingBytes + (isLasting ? bytes : 0),
      scratchBytes: before.scratchBytes + (isLasting ? 0 : bytes),
      isWhole: before.isWhole && isWhole,
      ...(ref !== undefined && { ref }),
    });
  }
  return machines;
}

/** Includes images whose volume was removed by hand. */
async function measurePlaces(tools: MeasureTools, signal: AbortSignal): Promise<readonly Holding[]> {
  const [volumes, layers] = await Promise.all([tools.inventory.list(signal), findLayers(tools, signal)]);
  const toPlace = ({ id, lifetime, engineName: name }: OwnVolume): Place => {
    return { id, isLasting: lifetime === 'until-delete', kind: 'volume', name };
  };
  const places = [...layers, ...volumes.filter(({ isImage }) => !isImage).map(toPlace)];
  const measured = await measureOnHost(tools, places, signal);
  if (measured === undefined) {
    const sizes = await readEngineSizes(tools, signal);
    return withSizes([...layers, ...volumes.map(toPlace)], sizes);
  }
  const { images, directories } = measured;
  // With another storage driver, only the engine knows where its layers are.
  const isLayersUnknown = directories.layer.size === 0 && layers.length > 0;
  const { layer } = isLayersUnknown ? await readEngineSizes(tools, signal) : directories;
  return [
    ...images.map(({ id, bytes }) => ({ id, isLasting: true, bytes, isWhole: true })),
    ...withSizes(places, { ...directories, layer }),
  ];
}

/**
 * Undefined if the host cannot run the command. The engine is slower: it measures all volumes, including foreign ones.
 */
async function measureOnHost({ images }: MeasureTools, places: readonly Place[], signal: AbortSignal) {
  try {
    // In another order each time: what takes long must not keep the same others from being measured.
    return await images.measure(shuffle(places), signal);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'ENGINE_REFUSED') return undefined;
    throw error;
  }
}

function withSizes(places: readonly Place[], sizes: StorageReadings['directories']): readonly Holding[] {
  return places.map((place) => ({ ...place, ...(sizes[place.kind].get(place.name) ?? UNKNOWN) }));
}

/** The writable layer of each machine. If it has two containers, the first by `byPriority` counts. */
async function findLayers({ containers }: MeasureTools, signal: AbortSignal): Promise<readonly Place[]> {
  const layers = new Map<string, Place>();
  for (const { Id: ref, Labels } of await containers.list(signal)) {
    const id = Labels?.[LABEL.machine] ?? '';
    if (!layers.has(id)) layers.set(id, { id, isLasting: false, kind: 'layer', name: ref, ref });
  }
  return [...layers.values()];
}

function shuffle<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
