import { ask } from '../../connection/ask.ts';
import { CreateVm } from '../../api/mutations.ts';
import { command } from '../../vms/asked.ts';
import { password, type Draft } from './draft.ts';

/** Creates the VM of the form; repeated, it is the same VM. Resolves with its id. */
export async function createAndStart(
  { idempotencyKey, distribution, desktop, region, cpu, ram, isKept }: Draft,
  { vmlabel, mayStart }: { vmlabel: string; mayStart: boolean },
): Promise<string> {
  const input = {
    idempotencyKey,
    distribution,
    ...(desktop !== null && { desktop }),
    region,
    cpu,
    ram,
    storageType: isKept ? ('PERSISTENT' as const) : ('EPHEMERAL' as const),
    password: password.value,
    vmlabel,
  };
  // The key makes a repetition harmless.
  const { createVm } = await ask(CreateVm, { input }, { isRepeatable: true });
  // Its refusal is shown where the VM is.
  if (mayStart) void command(createVm.id, 'start');
  return createVm.id;
}
