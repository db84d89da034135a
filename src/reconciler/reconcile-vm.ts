import type { Catalog } from '../catalog/catalog.ts';
import type { EngineDriver } from '../engine/driver.ts';
import type { Log } from '../log.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { heartbeat, type Lease, type LeaseState } from './pass/vm-lease.ts';
import { readSecrets } from '../secrets/secret-store.ts';
import { findVmOfAnyone, type DatedVm } from '../vm/vm-store.ts';
import type { Vm } from '../vm/vm.ts';
import { fail } from './failure/fail.ts';
import { handleError, type HandleDependencies } from './failure/handle-error.ts';
import { toMachineSpec, type MachinePolicy } from './plan/machine-spec.ts';
import { nextSteps, type Desired } from './plan/next-steps.ts';
import { readRetrySeconds } from './failure/read-retry-seconds.ts';
import { isPastScratch } from './plan/scratch-limit.ts';
import type { StepOutcome } from './pass/step-outcome.ts';
import { performStep } from './steps.ts';
import { notInCatalogCause } from './failure/vm-failure.ts';
import { createVmWriter, Overtaken, type VmPass } from './pass/vm-pass.ts';

export interface ReconcileDependencies extends HandleDependencies {
  readonly catalog: Catalog;
  readonly box: SecretBox;
  readonly log: Log;
  readonly driverOf: (region: string) => EngineDriver;
  readonly policyOf: (region: string) => MachinePolicy;
  /** Whether the region's engine has room on its disk for another container. */
  readonly hasRoom: (region: string) => Promise<boolean>;
}

/** The signals of one look; the loop that holds the lease aborts them. */
export interface Round {
  readonly state: LeaseState;
  readonly signal: AbortSignal;
  readonly hinted: AbortSignal;
}

/** How a pass ended: what it had seen when it let go, and when to look again by itself. */
export interface PassResult {
  readonly seen: LeaseState;
  readonly nextInSeconds: number | undefined;
}

/** A plan that does not settle is a fault of ours: the VM is left alone for a while instead of spinning. */
const MAX_ROUNDS = 25;
const SPINNING_SECONDS = 10;

/**
 * Brings one VM to what is wanted, under its lease: read, plan, act, and read again until nothing is left to do. Resolves
 * to undefined when the VM is gone or the lease is lost. `beginRound` is told what each look has seen, and gives its signals.
 */
export async function reconcileVm(
  deps: ReconcileDependencies,
  lease: Lease,
  beginRound: (state: LeaseState) => Round,
  ending: AbortSignal,
): Promise<PassResult | undefined> {
  const log = deps.log.child({ vmId: lease.vmId });
  for (let rounds = 0; ; rounds += 1) {
    // First the counters, then everything else: a change in between is seen as a change, never missed.
    const [state] = await heartbeat(deps.db, lease.owner, [lease.vmId]);
    if (state === undefined) return undefined;
    const round = beginRound(state);
    if (ending.aborted) return { seen: state, nextInSeconds: 0 };
    if (rounds === MAX_ROUNDS) {
      log.error({ rounds }, 'the VM does not settle; it is left alone for a while');
      return { seen: state, nextInSeconds: SPINNING_SECONDS };
    }
    const asked = performance.now();
    const vm = await findVmOfAnyone(deps.db, lease.vmId);
    if (vm === undefined) return undefined;
    if (vm.generation !== state.generation) continue;
    const now = (): number => vm.readAt.getTime() + performance.now() - asked;
    const outcome = await look(deps, lease, { vm, now }, round, log).catch((error: unknown): StepOutcome => {
      if (error instanceof Overtaken) return { kind: 'again' };
      throw error;
    });
    if (outcome.kind === 'done') return { seen: state, nextInSeconds: outcome.nextInSeconds };
  }
}

async function look(
  deps: ReconcileDependencies,
  lease: Lease,
  { vm, now }: { vm: DatedVm; now: () => number },
  round: Round,
  log: Log,
): Promise<StepOutcome> {
  const { catalog, driverOf } = deps;
  const { signal, hinted } = round;
  const driver = driverOf(vm.region);
  const distribution = catalog.distributions.get(vm.distribution);
  const writer = createVmWriter({ db: deps.db, lease, log }, vm);
  let pass: VmPass = { vm, now, distribution, spec: undefined, driver, observed: undefined, signal, hinted, log, writer };
  try {
    const spec = distribution === undefined ? undefined : await readSpec(deps, vm, distribution);
    if (vm.enabled && spec === undefined) return await fail(pass, notInCatalogCause(vm.distribution, vm.desktop));
    pass = { ...pass, spec };
    const observed = await driver.observe(vm.id, signal);
    const retryInSeconds = await readRetrySeconds(deps.db, vm);
    // Asked only where it matters: what has its container is not kept waiting.
    const hasRoom = observed !== undefined || !vm.enabled || (await deps.hasRoom(vm.region));
    const outcome = await performAll({ ...pass, observed }, { retryInSeconds, hasRoom });
    deps.setbacks.clear(vm.id);
    return outcome;
  } catch (error) {
    return handleError(deps, pass, error);
  }
}

async function performAll(pass: VmPass, circumstances: Pick<Desired, 'retryInSeconds' | 'hasRoom'>): Promise<StepOutcome> {
  const steps = nextSteps({ ...toDesired(pass), ...circumstances }, pass.observed);
  if (steps.length === 0) return { kind: 'done' };
  const [first] = steps;
  if (first?.step !== 'checkAnswer') pass.log.info({ status: pass.vm.status, steps: steps.map(({ step }) => step) }, 'plan');
  let current = pass;
  for (const step of steps) {
    pass.signal.throwIfAborted();
    const outcome = await performStep(current, step);
    if (outcome.kind !== 'next') return outcome;
    if (outcome.observed !== undefined) current = { ...current, observed: outcome.observed };
  }
  return { kind: 'again' };
}

function toDesired({ vm, spec, distribution }: VmPass): Omit<Desired, 'retryInSeconds' | 'hasRoom'> {
  const { persistent, storageReady, status, answeredHash, undoneHash } = vm;
  const goal = vm.deleting ? 'gone' : vm.enabled ? 'on' : 'off';
  const isPast = isPastScratch(distribution, vm.scratchBytes);
  return { goal, hash: spec?.hash ?? '', persistent, storageReady, status, answeredHash, undoneHash, isPastScratch: isPast };
}

async function readSpec(
  { db, box, forward, policyOf }: ReconcileDependencies,
  vm: Vm,
  distribution: Parameters<typeof toMachineSpec>[0]['distribution'],
) {
  const secrets = await readSecrets(db, box, vm.id);
  return toMachineSpec({ vm, distribution, secrets, salt: box.fingerprint(vm.id), policy: policyOf(vm.region), bind: forward.bind });
}
