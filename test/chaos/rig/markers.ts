import { text } from 'node:stream/consumers';
import { tarArchive } from '../../support/engine/images/tar-archive.ts';
import type { Facts } from '../checks/facts.ts';
import type { Rig } from './rig.ts';
import type { Violation } from '../checks/violation.ts';

const FOLDER = '/config';
const NAME = 'chaos-marker';

/** VMs that run and have a lasting volume, with their container. */
function findMarked({ rows }: Facts): { id: string; ref: string }[] {
  return rows.flatMap(({ id, persistent, status, engineRef }) =>
    persistent && status === 'RUNNING' && engineRef !== null ? [{ id, ref: engineRef }] : [],
  );
}

/** Writes the VM's id into the lasting volume of each VM that runs and that has none. */
export async function writeMarkers(rig: Rig, facts: Facts): Promise<void> {
  for (const { id, ref } of findMarked(facts)) {
    if ((await readMarker(rig, ref)) !== undefined) continue;
    const archive = await tarArchive([{ name: NAME, mode: 0o644, content: id }]);
    await rig.docker.getContainer(ref).putArchive(archive, { path: FOLDER });
  }
}

/** VMs whose marker is not there any more, or is another's: they run on a blank disk, or on another VM's. */
export async function checkMarkers(
  rig: Rig,
  before: Facts,
  after: Facts,
  robbed: ReadonlySet<string>,
): Promise<readonly Violation[]> {
  const marked = new Set(findMarked(before).map(({ id }) => id));
  const found: Violation[] = [];
  for (const { id, ref } of findMarked(after)) {
    if (!marked.has(id)) continue;
    const marker = await readMarker(rig, ref);
    // A fault that takes the whole engine takes markers too, but then no VM may run as if nothing were missing.
    if (marker !== id)
      found.push({
        kind: 'destroyed',
        what: `VM ${id} runs without what it wrote${robbed.has(id) ? ' before its data was taken' : ''}`,
      });
  }
  return found;
}

async function readMarker({ docker }: Rig, ref: string): Promise<string | undefined> {
  try {
    const archive = await text(await docker.getContainer(ref).getArchive({ path: `${FOLDER}/${NAME}` }));
    return archive.slice(512, 512 + Number.parseInt(archive.slice(124, 135), 8));
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return undefined;
    throw error;
  }
}
