import type { Catalog } from '../catalog/catalog.ts';
import type { Distribution } from '../catalog/distribution.ts';
import type { EngineDriver } from '../engine/driver.ts';
import type { Log } from '../log.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { toSecret, type EncryptedSecret } from '../secrets/secret-store.ts';
import type { Vm } from '../vm/vm.ts';
import { handleError, type HandleDependencies } from './failure/handle-error.ts';
import { markFailed } from './failure/mark-failed.ts';
import { readRetrySeconds } from './failure/read-retry-seconds.ts';
import { notInCatalogCause } from './failure/vm-failure.ts';
import type { CheckedApp } from './iteration/checked-app.ts';
import { AGAIN, type StepOutcome } from './iteration/step-outcome.ts';
import type { IterationSignals, VmIteration } from './iteration/vm-iteration.ts';
import { ReconcileSpan } from './iteration/reconcile-span.ts';
import type { SharedStatements, Situation } from './iteration/shared-statements.ts';
import { dutyOf, type Lease, type LeaseState } from './iteration/vm-lease.ts';
import { LeaseLostError, VmWriter } from './iteration/vm-writer.ts';
import { toMachineSpec, type MachinePolicy } from './plan/machine-spec.ts';
import { nextSteps, type Desired } from './plan/next-steps.ts';
import { isPastScratch } from './plan/scratch-limit.ts';
import { performStep } from './steps/perform-step.ts';

export interface ReconcileDependencies extends HandleDependencies {
  readonly catalog: Catalog;
  readonly secretBox: SecretBox;
  readonly statements: Pick<SharedStatements, 'reads' | 'writes' | 'notes'>;
  readonly log: Log;
  readonly driverOf: (region: string) => EngineDriver;
  readonly policyOf: (region: string) => MachinePolicy;
  /** Whether the disk of the region's engine has room for another container. */
  readonly hasRoom: (region: string) => Promise<boolean>;
}

/** What a reconciliation asks of its loop. */
export interface ReconcileCalls {
  readonly beginIteration: (state: LeaseState) => IterationSignals;
  /** Whether there is room to bring the VM up or down. */
  readonly mayWork: () => boolean;
}

/** How a reconciliation ended. */
export interface ReconcileResult {
  /** What the last iteration has read. */
  readonly seen: LeaseState;
  /** When the VM is due again without an event; undefined: never. */
  readonly nextInSeconds: number | undefined;
  /** What is asked meanwhile without a lease; absent if the VM needs more than that. */
  readonly app?: CheckedApp;
}

/** A plan that does not settle is our bug: the VM is paused instead of spinning. */
const MAX_ITERATIONS = 25;
const UNSETTLED_PAUSE_SECONDS = 10;

/**
 * Brings one VM to its desired state under its lease, in iterations: read, plan, act, until nothing is left to do.
 * Resolves to undefined when the VM is gone or the lease is lost.
 *
 * INVARIANTS
 * - The lease's counters are read before the row: a change between the two is seen as a change, never missed.
 * - An iteration decides by one version of the row. Its writes are fenced, so a stale one changes nothing.
 * - A VM that was claimed for a look comes up or goes down only if there is room for that. Otherwise it is told what
 *   comes, and is due.
 */
export async function reconcileVm(
  deps: ReconcileDependencies,
  lease: Lease,
  { beginIteration, mayWork }: ReconcileCalls,
  closing: AbortSignal,
): Promise<ReconcileResult | undefined> {
  using span = new ReconcileSpan();
  const log = deps.log.child({ vmId: lease.vmId });
  for (let iterations = 0; ; iterations += 1) {
    const situation = await deps.statements.reads.call(lease.vmId);
    if (situation === undefined) return undefined;
    const { state, vm } = situation;
    const signals = beginIteration(state);
    if (closing.aborted) return { seen: state, nextInSeconds: 0 };
    if (iterations === MAX_ITERATIONS) {
      log.error({ iterations }, `the VM does not settle; it is paused for ${UNSETTLED_PAUSE_SECONDS} s`);
      return { seen: state, nextInSeconds: UNSETTLED_PAUSE_SECONDS };
    }
    if (vm.generation !== state.generation) continue;
    if (dutyOf(vm.status) === 'work' && !mayWork()) return { seen: state, nextInSeconds: 0 };
    const work = (): Promise<StepOutcome> => iterate(deps, { lease, mayWork }, situation, signals, log);
    const outcome = await span.run(vm, state.traceparent, work).catch((error: unknown): StepOutcome => {
      if (error instanceof LeaseLostError) return { kind: 'again' };
      throw error;
    });
    if (outcome.kind !== 'done') continue;
    const { nextInSeconds, app } = outcome;
    return { seen: state, nextInSeconds, ...(app !== undefined && { app: whileOrdered(deps, vm, app) }) };
  }
}

/** The app, until catalog or regions are read again: what the VM is ordered as may be another container then. */
function whileOrdered({ catalog, policyOf }: ReconcileDependencies, vm: Vm, app: CheckedApp): CheckedApp {
  const { region, distribution } = vm;
  const ordered = catalog.distributions.get(distribution);
  const { runtime } = policyOf(region);
  return {
    ...app,
    isSame: async (timeoutMs, signal) =>
      catalog.distributions.get(distribution) === ordered &&
      policyOf(region).runtime === runtime &&
      app.isSame(timeoutMs, signal),
  };
}

async function iterate(
  deps: ReconcileDependencies,
  { lease, mayWork }: { lease: Lease; mayWork: () => boolean },
  { vm, requestedAt, secrets }: Situation,
  signals: IterationSignals,
  log: Log,
): Promise<StepOutcome> {
  const driver = deps.driverOf(vm.region);
  const distribution = deps.catalog.distributions.get(vm.distribution);
  const writer = new VmWriter({ ...deps, lease, log }, vm);
  const now = (): number => vm.readAt.getTime() + performance.now() - requestedAt;
  let iteration: VmIteration = {
    vm,
    now,
    distribution,
    spec: undefined,
    driver,
    observed: undefined,
    ...signals,
    log,
    writer,
  };
  try {
    const spec = distribution === undefined ? undefined : toSpec(deps, vm, distribution, secrets);
    if (vm.enabled && spec === undefined)
      return await markFailed(iteration, notInCatalogCause(vm.distribution, vm.desktop));
    iteration = { ...iteration, spec };
    const observed = await driver.observe(vm.id, signals.signal);
    const retryInSeconds = await readRetrySeconds(deps.db, vm);
    // Read only for a VM that needs a container: the first reading may take a while.
    const hasRoom = observed !== undefined || !vm.enabled || (await deps.hasRoom(vm.region));
    const outcome = await performSteps({ ...iteration, observed }, mayWork, { retryInSeconds, hasRoom });
    deps.setbacks.clear(vm.id);
    return outcome;
  } catch (error) {
    return handleError(deps, iteration, error);
  }
}

function toSpec(
  { secretBox, forward, policyOf }: ReconcileDependencies,
  vm: Vm,
  distribution: Distribution,
  secrets: readonly EncryptedSecret[],
) {
  return toMachineSpec({
    vm,
    distribution,
    secrets: secrets.map((secret) => toSecret(secretBox, secret)),
    salt: secretBox.fingerprint(vm.id),
    policy: policyOf(vm.region),
    bind: forward.bind,
  });
}

async function performSteps(
  iteration: VmIteration,
  mayWork: () => boolean,
  circumstances: Pick<Desired, 'retryInSeconds' | 'hasRoom'>,
): Promise<StepOutcome> {
  const { vm, signal, log } = iteration;
  const steps = nextSteps({ ...toDesired(iteration), ...circumstances }, iteration.observed);
  if (steps.length === 0) return { kind: 'done' };
  const [first] = steps;
  if (first?.step !== 'checkAnswer') log.info({ status: vm.status, steps: steps.map(({ step }) => step) }, 'plan');
  let current = iteration;
  for (const step of steps) {
    signal.throwIfAborted();
    const outcome = await performStep(current, step);
    if (outcome.kind !== 'next') return outcome;
    if (step.step === 'show' && !mayWork()) return AGAIN;
    if (outcome.observed !== undefined) current = { ...current, observed: outcome.observed };
  }
  return AGAIN;
}

function toDesired({ vm, spec, distribution }: VmIteration): Omit<Desired, 'retryInSeconds' | 'hasRoom'> {
  const { persistent, storageReady, status, answeredHash, undoneHash } = vm;
  const goal = vm.deleting ? 'gone' : vm.enabled ? 'on' : 'off';
  const isPast = isPastScratch(distribution, vm.scratchBytes);
  return {
    goal,
    hash: spec?.hash ?? '',
    persistent,
    storageReady,
    status,
    answeredHash,
    undoneHash,
    isPastScratch: isPast,
  };
}
