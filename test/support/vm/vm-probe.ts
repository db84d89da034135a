import { containerOf } from '../engine/containers.ts';
import { docker } from '../engine/engines.ts';
import { eventually } from '../eventually.ts';
import { execIn } from '../engine/exec-in.ts';
import type { TestGateway } from '../gateway/gateway.ts';

/** What a test does with the VMs of one account, and sees of them: through the API, and on the engine. */
export interface VmProbe {
  start(id: string): Promise<Response>;
  stop(id: string): Promise<Response>;
  /** Undefined when there is no such VM. */
  statusOf(id: string): Promise<string | undefined>;
  /** Rejects when the VM does not have that status within `deadline` milliseconds, 25 s where nothing is said. */
  reaches(id: string, status: string, deadline?: number): Promise<void>;
}

export function createVmProbe(gateway: TestGateway, token: string): VmProbe {
  const statusOf = async (id: string): Promise<string | undefined> => {
    const response = await gateway.rest(token, 'GET', `/vms/${id}`);
    return response.ok ? ((await response.json()) as { status: string }).status : undefined;
  };
  return {
    start: (id) => gateway.rest(token, 'POST', `/vms/start/${id}`),
    stop: (id) => gateway.rest(token, 'POST', `/vms/stop/${id}`),
    statusOf,
    async reaches(id, status, deadline = 25_000) {
      await eventually(async () => (await statusOf(id)) === status, { deadline });
    },
  };
}

/** Every container of the VM, whether it runs or not. */
export function containersOf(id: string) {
  return docker.listContainers({ all: true, filters: { label: [`io.swiftor.vm=${id}`] } });
}

/** Runs a shell script in the VM's running container; what it wrote. Rejects when it fails. */
export async function execInVm(id: string, script: string): Promise<string> {
  const { exitCode, output } = await execIn(await containerOf(id), ['/bin/sh', '-c', script]);
  if (exitCode !== 0) throw new Error(`The script ended with ${exitCode}: ${output}`);
  return output.trim();
}
