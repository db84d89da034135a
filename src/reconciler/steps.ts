import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { appDoor } from './answer/app-door.ts';
import { askApp, awaitApp } from './answer/ask-app.ts';
import { fail } from './failure/fail.ts';
import { giveUp } from './failure/give-up.ts';
import { imageUpdate, NO_IMAGE } from './plan/image-update.ts';
import type { Step, StepArgs, StepName } from './plan/next-steps.ts';
import { replaceGhost } from './replace-ghost.ts';
import type { StepOutcome } from './pass/step-outcome.ts';
import { exitedCause, findUnfinishedCause, noRoomCause, pastScratchCause, silentCause } from './failure/vm-failure.ts';
import { outlivesStop } from '../vm/vm-image.ts';
import type { VmPass } from './pass/vm-pass.ts';
import { watchContainer } from './watch-container.ts';

const NEXT: StepOutcome = { kind: 'next' };
const AGAIN: StepOutcome = { kind: 'again' };

/** How often an app that was up is asked: with the time that it has for its answer, one that dies is DEGRADED within 10 s. */
const CHECK_SECONDS = 5;
const CHECK_TIMEOUT_MS = 3_000;
/** An engine may tell of lacking memory a moment after the end that came of it. */
const OOM_EVENT_MS = 250;

type Executors = { readonly [Name in StepName]: (pass: VmPass, args: StepArgs[Name]) => Promise<StepOutcome> };

const EXECUTORS: Executors = {
  async show({ writer }, { status, reason }) {
    await writer.status(status, reason);
    return NEXT;
  },

  async prepareStorage({ driver, spec, signal, writer }) {
    const enforcement = spec === undefined ? undefined : await driver.ensureVolumes(spec, signal);
    await writer.quietly({ storage_ready: true, storage_enforcement: enforcement ?? null });
    return AGAIN;
  },

  async ensure(pass) {
    const { driver, spec, signal, writer, vm } = pass;
    if (spec === undefined) throw new Error(`The VM ${vm.id} has no machine to bring up.`);
    // As last measured, it may have been stopped for it: what holds now is seen at the next measuring.
    if (vm.scratchBytes > 0) await writer.quietly({ scratch_bytes: 0 });
    // The writes overlap with the engine's work: a boot does not wait for the database.
    const observed = await driver.ensure(
      spec,
      signal,
      (progress) => {
        if (progress.phase === 'starting') {
          void writer.status('STARTING', 'BOOT').catch(() => undefined);
          writer.progress('STARTING', { percent: 100, message: 'Starting the container.' });
          return;
        }
        if (progress.phase === 'storage') {
          const { enforcement } = progress;
          if (enforcement !== vm.storageEnforcement) void writer.quietly({ storage_enforcement: enforcement }).catch(() => undefined);
          return;
        }
        void writer.status('PULLING', 'BOOT').catch(() => undefined);
        if (progress.phase === 'building') {
          const { imageRef, percent, secondsLeft } = progress;
          const message = `Building ${imageRef} here, as the registry of ${spec.imageRef} cannot be reached: about ${secondsLeft} s left.`;
          writer.progress('PULLING', { percent, message });
          return;
        }
        const { percent, bytesDone, bytesTotal } = progress;
        writer.progress('PULLING', { percent, message: `Downloading ${spec.imageRef}.`, bytesDone, bytesTotal });
      },
      vm.answeredHash ?? undefined,
    );
    // Its volumes hold data of this image from now on: their absence would be a loss.
    await writer.quietly({ storage_ready: true, ...imageUpdate(vm, spec, observed) });
    return observed.state === 'running' ? { kind: 'next', observed } : AGAIN;
  },

  async revert({ driver, vm, signal, writer }) {
    if (vm.answeredHash === null) throw new Error(`The VM ${vm.id} has no container to go back to.`);
    void writer.status('STARTING', 'UNDO').catch(() => undefined);
    writer.progress('STARTING', { percent: 100, message: 'Starting the container from before the change.' });
    const observed = await driver.revert(vm.id, vm.answeredHash, signal);
    return observed?.state === 'running' ? { kind: 'next', observed } : AGAIN;
  },

  async removeOthers({ driver, vm, signal, observed, log }) {
    if (observed === undefined) return AGAIN;
    try {
      await driver.removeOthers(vm.id, observed.ref, signal);
    } catch (error) {
      signal.throwIfAborted();
      // What answers must not fail for it: tried again with the next look.
      log.warn({ err: error }, 'a container that was replaced could not be removed');
    }
    return NEXT;
  },

  async awaitAnswer(pass) {
    const { vm, now, driver, signal, hinted, writer, observed, distribution } = pass;
    const door = doorOf(pass);
    if (door === undefined || observed === undefined || distribution === undefined) return AGAIN;
    const seen = { engine_ref: observed.ref, address: observed.address ?? null, observed_at: sql<Date>`now()` };
    const set = { ...seen, ...imageUpdate(vm, pass.spec, observed) };
    // By the database's clock: the engine's own may be minutes apart. A boot that this pass began anew has waited for nothing yet.
    const goesOn = vm.status === 'BOOTING' && (await writer.settled()) === 'BOOTING';
    const waitedMs = goesOn ? now() - vm.statusSince.getTime() : 0;
    void writer.status('BOOTING', 'BOOT', set).catch(() => undefined);
    writer.progress('BOOTING', { percent: 100, message: `Waiting for the app on port ${distribution.defaultPort}.` });
    const leftMs = Math.max(1_000, distribution.bootSeconds * 1_000 - waitedMs);
    const waiting = new AbortController();
    const moved = new AbortController();
    const watching = watchContainer(driver, observed, AbortSignal.any([signal, hinted, waiting.signal]));
    void watching.then((change) => change !== undefined && moved.abort());
    const answers = await awaitApp(door, leftMs, AbortSignal.any([signal, hinted, moved.signal]));
    waiting.abort();
    if (answers) {
      const replaced = vm.answeredHash !== null && vm.answeredHash !== observed.hash;
      await writer.status('RUNNING', 'BOOT', {
        started_at: sql<Date>`now()`,
        observed_at: sql<Date>`now()`,
        answered_hash: observed.hash,
        // What an earlier change failed with is of no more concern.
        ...(replaced && { last_failure: null }),
      });
      return replaced ? AGAIN : { kind: 'done', nextInSeconds: CHECK_SECONDS };
    }
    signal.throwIfAborted();
    if (moved.signal.aborted) return (await watching) === 'shared' ? replaceGhost(pass) : AGAIN;
    if (hinted.aborted) return AGAIN;
    return giveUp(pass, silentCause(distribution.defaultPort, distribution.bootSeconds));
  },

  async checkAnswer(pass) {
    const { writer, vm, signal, observed } = pass;
    const door = doorOf(pass);
    if (door === undefined || observed === undefined) return AGAIN;
    const answers = await askApp(door, CHECK_TIMEOUT_MS, signal);
    signal.throwIfAborted();
    const moved = observed.address !== vm.address || observed.ref !== vm.engineRef;
    const set = {
      engine_ref: observed.ref,
      address: observed.address ?? null,
      observed_at: sql<Date>`now()`,
      ...(answers && { answered_hash: observed.hash }),
      ...imageUpdate(vm, pass.spec, observed),
    };
    const status = answers ? 'RUNNING' : 'DEGRADED';
    // Where it is has changed: whoever sends people there must hear of it.
    if (moved && status === vm.status) await writer.announce('ENGINE', set);
    else await writer.status(status, 'ENGINE', set);
    return { kind: 'done', nextInSeconds: CHECK_SECONDS };
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
    const { driver, vm, signal } = pass;
    const unfinished = findUnfinishedCause(vm);
    if (unfinished !== undefined) return fail(pass, unfinished);
    if (oomKilled || exitCode === 0) return giveUp(pass, exitedCause(exitCode, oomKilled, vm.ramGb));
    await delay(OOM_EVENT_MS, undefined, { signal });
    const ended = await driver.observe(vm.id, signal);
    return giveUp(pass, exitedCause(exitCode, ended?.oomKilled ?? false, vm.ramGb));
  },

  async failPastScratch(pass) {
    return fail(pass, pastScratchCause(pass.distribution?.scratchGb ?? 0));
  },

  async failNoRoom(pass) {
    return fail(pass, noRoomCause(pass.vm.region));
  },

  async wait(_pass, { seconds }) {
    return Number.isFinite(seconds) ? { kind: 'done', nextInSeconds: seconds } : { kind: 'done' };
  },

  async rest({ vm, writer }) {
    await writer.status('STOPPED', 'USER', {
      ...(!outlivesStop(vm) && NO_IMAGE),
      engine_ref: null,
      address: null,
      answered_hash: null,
      undone_hash: null,
      started_at: null,
      last_failure: null,
      attempts: 0,
      scratch_bytes: 0,
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

function doorOf({ vm, distribution, spec, observed }: VmPass): ReturnType<typeof appDoor> {
  return appDoor({ desktop: vm.desktop, distribution, spec, observed });
}
