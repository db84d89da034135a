import { sql } from 'kysely';
import type { VmUpdate } from '../../vm/store/vm-change.ts';
import type { Observation } from '../../engine/machine.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import { appEndpoint, type AppEndpoint } from '../answer/app-endpoint.ts';
import { CHECK_SECONDS } from '../answer/app-watch.ts';
import { askApp, awaitApp } from '../answer/ask-app.ts';
import { hasChanged } from '../answer/has-changed.ts';
import { undoOrFail } from '../failure/undo-or-fail.ts';
import { silentCause } from '../failure/vm-failure.ts';
import type { CheckedApp } from '../iteration/checked-app.ts';
import { AGAIN, type StepOutcome } from '../iteration/step-outcome.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';
import { imageUpdate } from '../plan/image-update.ts';
import { sharesAddress } from '../plan/shares-address.ts';
import { replaceDuplicateAddress } from './replace-duplicate-address.ts';
import { watchContainer } from './watch-container.ts';

const CHECK_TIMEOUT_MS = 3_000;

export async function awaitAnswer(iteration: VmIteration): Promise<StepOutcome> {
  const { vm, driver, signal, engineEvent, writer, observed, distribution } = iteration;
  const endpoint = endpointOf(iteration);
  if (endpoint === undefined || observed === undefined || distribution === undefined) return AGAIN;
  const waitedMs = await bootedMs(iteration);
  void writer.setStatus('BOOTING', 'BOOT', seenUpdate(iteration, observed)).catch(() => undefined);
  writer.sendProgress('BOOTING', { percent: 100, message: `Waiting for the app on port ${distribution.defaultPort}.` });
  const leftMs = Math.max(1_000, distribution.bootSeconds * 1_000 - waitedMs);
  const answered = new AbortController();
  const containerChanged = new AbortController();
  const watching = watchContainer(driver, observed, AbortSignal.any([signal, engineEvent, answered.signal]));
  void watching.then((change) => change !== undefined && containerChanged.abort());
  const answers = await awaitApp(endpoint, leftMs, AbortSignal.any([signal, engineEvent, containerChanged.signal]));
  answered.abort();
  if (answers) {
    // Listed after the answer, which counts only if it cannot be another container's.
    if (sharesAddress(await driver.listNode(observed.node, signal), observed))
      return replaceDuplicateAddress(iteration);
    const isReplaced = vm.answeredHash !== null && vm.answeredHash !== observed.hash;
    await writer.setStatus('RUNNING', 'BOOT', {
      started_at: sql<Date>`now()`,
      observed_at: sql<Date>`now()`,
      answered_hash: observed.hash,
      // The failure of an earlier change no longer matters.
      ...(isReplaced && { last_failure: null }),
    });
    return isReplaced ? AGAIN : settle(driver, { observed, endpoint, askedAt: performance.now(), answers: true });
  }
  signal.throwIfAborted();
  if (containerChanged.signal.aborted)
    return (await watching) === 'shared' ? replaceDuplicateAddress(iteration) : AGAIN;
  if (engineEvent.aborted) return AGAIN;
  return undoOrFail(iteration, silentCause(distribution.defaultPort, distribution.bootSeconds));
}

/**
 * Time in BOOTING by the database's clock, as the engine's may be minutes apart. 0 if this iteration began the boot.
 */
async function bootedMs({ vm, now, writer }: VmIteration): Promise<number> {
  const isBooting = vm.status === 'BOOTING' && (await writer.settledStatus()) === 'BOOTING';
  return isBooting ? now() - vm.statusSince.getTime() : 0;
}

export async function checkAnswer(iteration: VmIteration): Promise<StepOutcome> {
  const { writer, vm, spec, driver, signal, observed } = iteration;
  const endpoint = endpointOf(iteration);
  if (endpoint === undefined || observed === undefined) return AGAIN;
  const askedAt = performance.now();
  const answers = await askApp(endpoint, CHECK_TIMEOUT_MS, signal);
  signal.throwIfAborted();
  const learned = {
    ...imageUpdate(vm, spec, observed),
    ...(answers && observed.hash !== vm.answeredHash && { answered_hash: observed.hash }),
  };
  const status = answers ? 'RUNNING' : 'DEGRADED';
  const { ref, address, node = null } = observed;
  const hasMoved = address !== vm.address || ref !== vm.engineRef || node !== vm.node;
  const set = { ...seenUpdate(iteration, observed), ...learned };
  // The ingress must learn the new address, even if the status stays.
  if (hasMoved && status === vm.status) await writer.announce('ENGINE', set);
  else if (status !== vm.status || Object.keys(learned).length > 0) await writer.setStatus(status, 'ENGINE', set);
  return settle(driver, { observed, endpoint, askedAt, answers });
}

interface Asked extends Pick<CheckedApp, 'askedAt'> {
  readonly observed: Observation;
  readonly endpoint: AppEndpoint;
  readonly answers: boolean;
}

/** Nothing is left to do but to ask again. A replaced container that is still there is not the end of it. */
function settle(driver: EngineDriver, asked: Asked): StepOutcome {
  const checkAgain = { kind: 'done', nextInSeconds: CHECK_SECONDS } as const;
  return asked.observed.others === undefined ? { ...checkAgain, app: toCheckedApp(driver, asked) } : checkAgain;
}

/** Of the iteration it keeps only this much: thousands of VMs may be watched. */
function toCheckedApp(driver: EngineDriver, { observed, endpoint, askedAt, answers }: Asked): CheckedApp {
  return {
    askedAt,
    async isSame(timeoutMs, signal) {
      // Right before the question: the address may have gone to another container.
      const now = await driver.observe(observed.id, signal);
      if (hasChanged(observed, now) || now?.others !== undefined) return false;
      return (await askApp(endpoint, timeoutMs, signal)) === answers;
    },
  };
}

/** What the row keeps of a container that was seen running. */
function seenUpdate({ vm, spec }: VmIteration, observed: Observation): VmUpdate {
  const { ref, address = null, node = null } = observed;
  return { engine_ref: ref, address, node, observed_at: sql<Date>`now()`, ...imageUpdate(vm, spec, observed) };
}

function endpointOf({ vm, distribution, spec, observed, driver }: VmIteration): ReturnType<typeof appEndpoint> {
  return appEndpoint({ desktop: vm.desktop, distribution, spec, observed, dial: (to) => driver.dial(to) });
}
