import type { EngineDriver } from '../engine/driver.ts';
import type { Observation } from '../engine/machine.ts';
import type { EventStreams } from '../events/event-streams.ts';
import type { Vm } from './vm.ts';

/**
 * Yields each run of the VM's container: the current or last one, then every new one, across restarts and replacements,
 * until the VM is deleted or the signal aborts. Observes the container at each event of the VM.
 */
export async function* eachRun(
  { streams, driver }: { streams: EventStreams; driver: EngineDriver },
  vm: Pick<Vm, 'id' | 'userId'>,
  signal: AbortSignal,
): AsyncGenerator<Observation> {
  const changes = await streams.subscribe({ userId: vm.userId, vmId: vm.id });
  const leave = (): void => void changes.return?.();
  signal.addEventListener('abort', leave, { once: true });
  let last = '';
  try {
    if (signal.aborted) return;
    for await (const { kind } of changes) {
      // Progress never means a new run.
      if (kind === 'PROGRESS' || kind === 'DELETED') continue;
      const observed = await driver.observe(vm.id, signal);
      const run = observed?.startedAt === undefined ? '' : `${observed.ref} ${observed.startedAt.getTime()}`;
      if (observed === undefined || run === '' || run === last) continue;
      last = run;
      yield observed;
    }
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
  }
}
