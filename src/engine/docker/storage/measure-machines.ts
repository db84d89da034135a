import type Docker from 'dockerode';
import type { MachineStorage } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import type { ImageStorage } from './image-storage.ts';
import { expectList } from '../observe/expect-list.ts';
import { byPriority } from '../observe/observe-container.ts';
import type { OwnVolume, VolumeInventory } from './volume-inventory.ts';

/** The engine walks through all files in the containers' writable layers. */
const MILLISECONDS = 120_000;

export interface MeasureTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly inventory: VolumeInventory;
  readonly images: ImageStorage;
  readonly installationId: string;
}

/** See `EngineDriver.measureStorage`. */
export async function measureMachines(
  tools: MeasureTools,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, MachineStorage>> {
  const [volumes, layers] = await Promise.all([tools.inventory.list(signal), measureLayers(tools, signal)]);
  const held = await measureVolumes(tools, volumes, signal);
  const machines = new Map<string, MachineStorage>();
  const add = (id: string, { lastingBytes = 0, scratchBytes = 0, ref }: Partial<MachineStorage>) => {
    const before = machines.get(id) ?? { lastingBytes: 0, scratchBytes: 0 };
    const sum = { lastingBytes: before.lastingBytes + lastingBytes, scratchBytes: before.scratchBytes + scratchBytes };
    machines.set(id, { ...before, ...sum, ...(ref !== undefined && { ref }) });
  };
  for (const { id, ref, bytes } of layers) add(id, { scratchBytes: bytes, ref });
  for (const { id, lifetime, bytes } of held)
    add(id, lifetime === 'until-delete' ? { lastingBytes: bytes } : { scratchBytes: bytes });
  return machines;
}

interface SizedContainer {
  readonly Id: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly SizeRw?: number;
}

/** Size of each machine's writable layer. If it has two containers, the first by `byPriority` counts. */
async function measureLayers({ docker, call, installationId }: MeasureTools, signal: AbortSignal) {
  const filters = { label: [`${LABEL.installation}=${installationId}`, LABEL.machine] };
  const work = (abortSignal: AbortSignal) => docker.listContainers({ all: true, size: true, filters, abortSignal });
  const listed = byPriority(
    expectList(await call('measure the containers', signal, work, { milliseconds: MILLISECONDS })),
  );
  const layers = new Map<string, { id: string; ref: string; bytes: number }>();
  for (const { Id, Labels, SizeRw = 0 } of listed as readonly SizedContainer[]) {
    const id = Labels?.[LABEL.machine] ?? '';
    if (!layers.has(id)) layers.set(id, { id, ref: Id, bytes: SizeRw });
  }
  return [...layers.values()];
}

interface HeldVolume {
  /** Id of the machine. */
  readonly id: string;
  readonly lifetime: string;
  readonly bytes: number;
}

/** Includes images whose volume was removed by hand. */
async function measureVolumes(
  tools: MeasureTools,
  volumes: readonly OwnVolume[],
  signal: AbortSignal,
): Promise<readonly HeldVolume[]> {
  const plain = volumes.filter(({ isImage }) => !isImage);
  const names = plain.map(({ engineName }) => engineName);
  try {
    const readings = await tools.images.measure(names, signal);
    const images = readings.images.map(({ id, bytes }) => ({ id, lifetime: 'until-delete', bytes }));
    return [...images, ...plain.map((volume) => ({ ...volume, bytes: readings.plain.get(volume.engineName) ?? 0 }))];
  } catch (error) {
    // The host cannot run the command. The engine is slower: it measures all volumes, including foreign ones.
    if (!(error instanceof EngineError && error.code === 'ENGINE_REFUSED')) throw error;
    const sizes = await readDiskUsage(tools, signal);
    return volumes.map((volume) => ({ ...volume, bytes: sizes.get(volume.engineName) ?? 0 }));
  }
}

interface DiskUsage {
  readonly Volumes?:
    | readonly { readonly Name?: string; readonly UsageData?: { readonly Size?: number } | null }[]
    | null;
}

async function readDiskUsage({ docker, call }: MeasureTools, signal: AbortSignal): Promise<Map<string, number>> {
  // The type lacks the options.
  const diskUsage: (options: { abortSignal: AbortSignal }) => Promise<DiskUsage> = docker.df.bind(docker);
  const work = (abortSignal: AbortSignal) => diskUsage({ abortSignal });
  const { Volumes } = await call('report its disk usage', signal, work, { milliseconds: MILLISECONDS });
  // -1 means unknown.
  return new Map(
    expectList(Volumes).flatMap(({ Name, UsageData }) =>
      Name === undefined ? [] : [[Name, Math.max(0, UsageData?.Size ?? 0)]],
    ),
  );
}
