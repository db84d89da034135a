import { text } from 'node:stream/consumers';
import type { RigNode } from './rig.ts';

/** Runs a shell script in the VM's running container on that node; what it wrote. */
export async function execOn({ docker }: RigNode, vmId: string, script: string): Promise<string> {
  const [container] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${vmId}`] } });
  if (container === undefined) throw new Error(`The VM ${vmId} has no container there.`);
  const exec = await docker
    .getContainer(container.Id)
    .exec({ Cmd: ['/bin/sh', '-c', script], AttachStdout: true, AttachStderr: true, Tty: true });
  return (await text(await exec.start({ Tty: true }))).trim();
}
