import type { FileAccess } from '../files.ts';
import type { MachinePlaces } from './places/machine-places.ts';

/** The files of machines, each on its node. */
export function clusterFiles(places: MachinePlaces): FileAccess {
  return {
    list: async (id, ref, directory, signal) =>
      (await places.locate(id, signal))?.driver.files.list(id, ref, directory, signal) ?? 'not-running',
    read: async (id, ref, file, signal) =>
      (await places.locate(id, signal))?.driver.files.read(id, ref, file, signal) ?? 'not-running',
    write: async (id, ref, file, content, signal) => {
      const node = await places.locate(id, signal);
      return node === undefined ? 'not-running' : node.driver.files.write(id, ref, file, content, signal);
    },
  };
}
