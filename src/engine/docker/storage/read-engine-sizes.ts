import type Docker from 'dockerode';
import { LABEL } from '../../labels.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectList } from '../connection/expect-list.ts';
import type { DirectorySize, StorageReadings } from './storage-readings.ts';

/** The engine walks through all files of volumes and writable layers. */
const MILLISECONDS = 120_000;

interface DiskUsage {
  readonly Volumes?:
    | readonly { readonly Name?: string; readonly UsageData?: { readonly Size?: number } | null }[]
    | null;
}

/** What the engine itself reports of volumes and of containers' writable layers. It does not count files. */
export async function readEngineSizes(
  { docker, call }: { readonly docker: Docker; readonly call: EngineCall },
  signal: AbortSignal,
): Promise<StorageReadings['directories']> {
  // The type lacks the options.
  const diskUsage: (options: { abortSignal: AbortSignal }) => Promise<DiskUsage> = docker.df.bind(docker);
  const filters = { label: [LABEL.machine] };
  const [{ Volumes }, containers] = await Promise.all([
    call('report its disk usage', signal, (abortSignal) => diskUsage({ abortSignal }), { milliseconds: MILLISECONDS }),
    call(
      'measure the containers',
      signal,
      (abortSignal) => docker.listContainers({ all: true, size: true, filters, abortSignal }),
      { milliseconds: MILLISECONDS },
    ),
  ]);
  const layers: readonly { readonly Id?: string; readonly SizeRw?: number }[] = expectList(containers);
  return {
    volume: toSizes(expectList(Volumes).map(({ Name, UsageData }) => [Name, UsageData?.Size ?? -1])),
    // An empty layer has no size in the engine's answer.
    layer: toSizes(layers.map(({ Id, SizeRw = 0 }) => [Id, SizeRw])),
  };
}

/** -1 means unknown. */
function toSizes(
  sizes: readonly (readonly [name: string | undefined, bytes: number])[],
): ReadonlyMap<string, DirectorySize> {
  return new Map(
    sizes.flatMap(([name, bytes]) => (name === undefined || bytes < 0 ? [] : [[name, { bytes, isWhole: true }]])),
  );
}
