import { sql } from 'kysely';
import type { EngineDriver, MachineLogLine, Observation } from '../engine/driver.ts';
import { askApp, awaitApp, type AppDoor } from './ask-app.ts';
import type { Step, StepArgs, StepName } from './next-steps.ts';
import { backoffSeconds, exitedCause, silentCause, type FailureCause } from './vm-failure.ts';
import type { VmPass } from './vm-pass.ts';

/**
 * What a step ends with: on to the next one, plan anew with a fresh look, or let go of the VM. `nextInSeconds` is when to
 * look again by itself; without it, only when something happens.
 */
export type StepOutcome =
  | { readonly kind: 'next'; readonly observed?: Observation }
  | { readonly kind: 'again' }
  | { readonly kind: 'done'; readonly nextInSeconds?: number };

const NEXT: StepOutcome = { kind: 'next' };
const AGAIN: StepOutcome = { kind: 'again' };

/** A RUNNING app is asked about this often, a DEGRADED one sooner. */
const CHECK_SECONDS = 30;
const DEGRADED_CHECK_SECONDS = 5;
const CHECK_TIMEOUT_MS = 3_000;
/** An app that ran this long is no crash loop. */
const STABLE_MS = 60_000;
const LOG_TAIL = 20;

type Executors = { readonly [Name in StepName]: (pass: VmPass, args: StepArgs[Name]) => Promise<StepOutcome> };

const EXECUTORS: Executors = {
  async show({ writer }, { status, reason }) {
    await writer.status(status, reason);
    return NEXT;
  },

  async prepareStorage({ driver, spec, signal, writer }) {
    if (spec !== undefined) await driver.ensureVolumes(spec, signal);
    await writer.quietly({ storage_ready: true });
    return AGAIN;
  },

  async ensure(pass) {
    const { driver, spec, signal, writer, vm } = pass;
    if (spec === undefined) throw new Error(`The VM ${vm.id} has no machine to bring up.`);
    // The writes overlap with the engine's work: a boot does not wait for the database.
    const observed = await driver.ensure(spec, signal, (progress) => {
      if (progress.phase === 'starting') {
        void writer.status('STARTING', 'BOOT').catch(() => undefined);
        writer.progress('STARTING', { percent: 100, message: 'Starting the container.' });
        return;
      }
      const { percent, bytesDone, bytesTotal } = progress;
      void writer.status('PULLING', 'BOOT').catch(() => undefined);
      writer.progress('PULLING', { percent, message: `Downloading ${spec.imageRef}.`, bytesDone, bytesTotal });
    });
    // Its volumes hold data from now on: their absence would be a loss.
    await writer.quietly({ storage_ready: true });
    return observed.state === 'running' ? { kind: 'next', observed } : AGAIN;
  },

  async awaitAnswer(pass) {
    const { driver, signal, hinted, writer, observed, distribution, vm } = pass;
    const door = doorOf(pass);
    if (door === undefined || observed === undefined || distribution === undefined) return AGAIN;
    const set = { engine_ref: observed.ref, address: observed.address ?? null, observed_at: sql<Date>`now()` };
    void writer.status('BOOTING', 'BOOT', set).catch(() => undefined);
    writer.progress('BOOTING', { percent: 100, message: `Waiting for the app on port ${distribution.defaultPort}.` });
    const begun = observed.startedAt?.getTime() ?? Date.now();
    const leftMs = Math.max(1_000, distribution.bootSeconds * 1_000 - (Date.now() - begun));
    if (await awaitApp(door, leftMs, AbortSignal.any([signal, hinted]))) {
      await writer.status('RUNNING', 'BOOT', { started_at: sql<Date>`now()`, observed_at: sql<Date>`now()` });
      return { kind: 'done', nextInSeconds: CHECK_SECONDS };
    }
    signal.throwIfAborted();
    if (hinted.aborted) return AGAIN;
    await driver.stop(vm.id, signal);
    return fail(pass, silentCause(distribution.defaultPort, distribution.bootSeconds));
  },

  async checkAnswer(pass) {
    const { writer, vm, signal, observed } = pass;
    const door = doorOf(pass);
    if (door === undefined || observed === undefined) return AGAIN;
    const answers = await askApp(door, CHECK_TIMEOUT_MS, signal);
    signal.throwIfAborted();
    const moved = observed.address !== vm.address || observed.ref !== vm.engineRef;
    const set = { engine_ref: observed.ref, address: observed.address ?? null, observed_at: sql<Date>`now()` };
    const status = answers ? 'RUNNING' : 'DEGRADED';
    // Where it is has changed: whoever sends people there must hear of it.
    if (moved && status === vm.status) await writer.announce('ENGINE', set);
    else await writer.status(status, 'ENGINE', set);
    return { kind: 'done', nextInSeconds: answers ? CHECK_SECONDS : DEGRADED_CHECK_SECONDS };
  },

  async stop({ driver, vm, signal }) {
    await driver.stop(vm.id, signal);
    return NEXT;
  },

  async remove({ driver, vm, signal }, { volumes }) {
    await driver.remove(vm.id, volumes, signal);
    return NEXT;
  },

  async failExited(pass, { exitCode, oomKilled }) {
    return fail(pass, exitedCause(exitCode, oomKilled, pass.vm.ramGb));
  },

  async rest({ writer }) {
    await writer.status('STOPPED', 'USER', {
      engine_ref: null,
      address: null,
      started_at: null,
      last_failure: null,
      attempts: 0,
      observed_at: sql<Date>`now()`,
    });
    return AGAIN;
  },

  async forget({ writer }) {
    await writer.forget();
    return { kind: 'done' };
  },
};

/** Performs the step. Rejects with what the engine refuses, or with Overtaken when the VM was changed meanwhile. */
export async function performStep(pass: VmPass, step: Step): Promise<StepOutcome> {
  // One cast, here: the table's type already pairs each name with its own arguments.
  const execute = EXECUTORS[step.step] as (pass: VmPass, args: Step) => Promise<StepOutcome>;
  return execute(pass, step);
}

/** Writes FAILED with its explanation, and when it is tried again. */
export async function fail({ driver, vm, writer, signal, log }: VmPass, cause: FailureCause): Promise<StepOutcome> {
  const step = await writer.settled();
  const stable = vm.status === 'RUNNING' && vm.startedAt !== null && Date.now() - vm.startedAt.getTime() > STABLE_MS;
  const attempts = stable ? 1 : vm.attempts + 1;
  const nextInSeconds = backoffSeconds(attempts);
  const { reason, ...explained } = cause;
  const failure = {
    step,
    ...explained,
    logTail: await readLogTail(driver, vm.id, signal),
    at: new Date().toISOString(),
    retryAt: new Date(Date.now() + nextInSeconds * 1_000).toISOString(),
  };
  log.warn({ code: cause.code, exitCode: cause.exitCode, attempts, nextInSeconds }, 'the VM failed');
  await writer.status('FAILED', reason, { last_failure: JSON.stringify(failure), attempts, started_at: null, address: null });
  return { kind: 'done', nextInSeconds };
}

async function readLogTail(driver: EngineDriver, id: string, signal: AbortSignal): Promise<string[]> {
  const lines: MachineLogLine[] = [];
  try {
    const quick = AbortSignal.any([signal, AbortSignal.timeout(2_000)]);
    for await (const line of driver.logs(id, { tail: LOG_TAIL, follow: false }, quick)) lines.push(line);
  } catch {
    // A failure without its last lines is still worth telling.
  }
  return lines.slice(-LOG_TAIL).map(({ text }) => text.slice(0, 500));
}

function doorOf({ observed, distribution }: VmPass): AppDoor | undefined {
  if (observed?.address === undefined || distribution === undefined) return undefined;
  return { host: observed.address, port: distribution.defaultPort, scheme: distribution.scheme };
}
