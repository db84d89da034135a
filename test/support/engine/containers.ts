import { text } from 'node:stream/consumers';
import { docker } from './engines.ts';

/** The engine's id of the VM's running container. Rejects when there is none. */
export async function containerOf(vmId: string): Promise<string> {
  const [container] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${vmId}`] } });
  if (container === undefined) throw new Error(`The VM ${vmId} has no container.`);
  return container.Id;
}

/** The names of the programs that run in the container. */
export async function processesOf(container: string): Promise<string[]> {
  const { Processes } = (await docker.getContainer(container).top({ ps_args: '-o pid,comm' })) as {
    Processes: string[][];
  };
  return Processes.map(([, name = '']) => name);
}

/** A file of the container, as text. Rejects when there is none. */
export async function readFileOf(container: string, file: string): Promise<string> {
  const archive = await text(await docker.getContainer(container).getArchive({ path: file }));
  const size = Number.parseInt(archive.slice(124, 135), 8);
  return archive.slice(512, 512 + size);
}
