import type { EnsureProgress } from '../../engine/driver.ts';
import { imageUpdate } from '../plan/image-update.ts';
import { AGAIN, NEXT, type StepOutcome } from '../iteration/step-outcome.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';

export async function prepareStorage({ driver, spec, signal, writer }: VmIteration): Promise<StepOutcome> {
  const enforcement = spec === undefined ? undefined : await driver.ensureVolumes(spec, signal);
  await writer.updateSilently({ storage_ready: true, storage_enforcement: enforcement ?? null });
  return AGAIN;
}

export async function ensure(iteration: VmIteration): Promise<StepOutcome> {
  const { driver, spec, signal, writer, vm } = iteration;
  if (spec === undefined) throw new Error(`The VM ${vm.id} has no machine to bring up.`);
  // The last measurement may be why the VM was stopped. The next one says what holds now.
  if (vm.scratchBytes > 0) await writer.updateSilently({ scratch_bytes: 0 });
  const observed = await driver.ensure(
    spec,
    signal,
    (progress) => report(iteration, spec.imageRef, progress),
    vm.answeredHash ?? undefined,
  );
  // From now on its volumes hold data of this image, so a missing volume is a loss of data.
  await writer.updateSilently({ storage_ready: true, ...imageUpdate(vm, spec, observed) });
  return observed.state === 'running' ? { kind: 'next', observed } : AGAIN;
}

/** The writes overlap with the engine's work: a boot does not wait for the database. */
function report({ vm, writer }: VmIteration, imageRef: string, progress: EnsureProgress): void {
  switch (progress.phase) {
    case 'starting':
      void writer.setStatus('STARTING', 'BOOT').catch(() => undefined);
      writer.sendProgress('STARTING', { percent: 100, message: 'Starting the container.' });
      return;
    case 'storage': {
      const { enforcement } = progress;
      if (enforcement !== vm.storageEnforcement)
        void writer.updateSilently({ storage_enforcement: enforcement }).catch(() => undefined);
      return;
    }
    case 'building': {
      void writer.setStatus('PULLING', 'BOOT').catch(() => undefined);
      const { percent, secondsLeft } = progress;
      const what = `Building ${progress.imageRef} here, as the registry of ${imageRef} cannot be reached`;
      writer.sendProgress('PULLING', { percent, message: `${what}: about ${secondsLeft} s left.` });
      return;
    }
    case 'pulling': {
      void writer.setStatus('PULLING', 'BOOT').catch(() => undefined);
      const { percent, bytesDone, bytesTotal } = progress;
      writer.sendProgress('PULLING', { percent, message: `Downloading ${imageRef}.`, bytesDone, bytesTotal });
    }
  }
}

export async function revert({ driver, vm, signal, writer }: VmIteration): Promise<StepOutcome> {
  if (vm.answeredHash === null) throw new Error(`The VM ${vm.id} has no container to go back to.`);
  void writer.setStatus('STARTING', 'UNDO').catch(() => undefined);
  writer.sendProgress('STARTING', { percent: 100, message: 'Starting the container from before the change.' });
  const observed = await driver.revert(vm.id, vm.answeredHash, signal);
  return observed?.state === 'running' ? { kind: 'next', observed } : AGAIN;
}

export async function removeOthers({ driver, vm, signal, observed, log }: VmIteration): Promise<StepOutcome> {
  if (observed === undefined) return AGAIN;
  try {
    await driver.removeOthers(vm.id, observed.ref, signal);
  } catch (error) {
    signal.throwIfAborted();
    // An app that answers must not fail for this. The next iteration tries again.
    log.warn({ err: error }, 'failed to remove a container that was replaced');
  }
  return NEXT;
}
