import { signal } from '@preact/signals';
import { ask } from '../connection/ask.ts';
import { DeleteVm, RestartVm, StartVm, StopVm } from '../api/commands.ts';
import { toProblem, type Problem } from '../api/problem.ts';
import { isChange } from './vm-store.ts';
import { onVmEvents, vmSignal, vmState } from './vms.ts';

type Command = 'start' | 'stop' | 'restart' | 'delete';

/** A command that was sent, and what has become of it. */
export type Asked =
  | { readonly command: Command; readonly state: 'asked' | 'silent' }
  | { readonly command: Command; readonly state: 'refused'; readonly problem: Problem };

const SILENT_AFTER_MS = 10_000;
const DOCUMENTS = { start: StartVm, stop: StopVm, restart: RestartVm } as const;

/** By VM. A command stays until an event of the VM tells what happened. */
export const asked = signal<ReadonlyMap<string, Asked>>(new Map());

onVmEvents((events) => {
  for (const { vmId } of events.filter(isChange)) {
    if (asked.peek().get(vmId)?.state !== 'refused') set(vmId, undefined);
  }
});

/** Sends a command. Nothing on the screen changes but the button, until an event comes. */
export async function command(vmId: string, name: Command): Promise<void> {
  const mine: Asked = { command: name, state: 'asked' };
  set(vmId, mine);
  const silence = setTimeout(() => {
    if (asked.peek().get(vmId) === mine) set(vmId, { command: name, state: 'silent' });
  }, SILENT_AFTER_MS);
  try {
    if (name === 'delete') await ask(DeleteVm, { id: vmId });
    else {
      const { vm } = await ask(DOCUMENTS[name], { id: vmId });
      // Its event is on the screen already, or there is none because it was already so.
      const seen = vmState().vms.get(vmId)?.lastEventSeq;
      if (seen !== undefined && Number(vm.lastEventSeq) <= Number(seen)) settle(vmId, mine);
    }
  } catch (error) {
    set(vmId, { command: name, state: 'refused', problem: toProblem(error) });
  } finally {
    if (vmSignal(vmId).peek() === undefined || asked.peek().get(vmId) !== mine) clearTimeout(silence);
  }
}

/** The user has read it. */
export function dismiss(vmId: string): void {
  set(vmId, undefined);
}

function settle(vmId: string, mine: Asked): void {
  if (asked.peek().get(vmId) === mine) set(vmId, undefined);
}

function set(vmId: string, value: Asked | undefined): void {
  if (asked.peek().get(vmId) === value) return;
  const next = new Map(asked.peek());
  if (value === undefined) next.delete(vmId);
  else next.set(vmId, value);
  asked.value = next;
}
