import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { imageOf, localImageOf } from '../../catalog/distribution.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import { isLocalReference, registryOf } from '../../engine/image-reference.ts';
import { findLocalBuild as findBuildHere, type FindLocalBuild } from '../../engine/local-builds.ts';
import type { Log } from '../../log.ts';
import { NOTHING_LEARNED, toKnownImages, type LearnedFacts } from '../../vm/engine-facts.ts';
import type { WatchedEngine } from './engine-watch.ts';

export interface FactsWatch {
  /** As last learned; asks nobody. */
  facts(): LearnedFacts;
  close(): Promise<void>;
}

interface FactsWatchDependencies {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly log: Log;
  /** From what this machine's `npm run images` says. */
  readonly findLocalBuild?: FindLocalBuild;
}

const EVERY_MS = 15_000;
const DESCRIBE_DEADLINE_MS = 10_000;
/** A registry that is away is asked more often: whoever waits for it should not wait for us. */
const UNREACHED_EVERY_MS = 60_000;
const REACHED_EVERY_MS = 5 * 60_000;
const DEVICES_EVERY_MS = 10 * 60_000;
const DEVICES_DEADLINE_MS = 30_000;

/** What the VMs of an engine's regions need of it. */
interface Needs {
  readonly imageRefs: ReadonlySet<string>;
  readonly devices: ReadonlySet<string>;
  /** When they were read, by the database's clock. */
  readonly at: Date;
}

/** When something was last asked, by the monotonic clock in ms, and what the answer was. */
interface Asked {
  readonly at: number;
  readonly isMissing: boolean;
}

/**
 * Learns what an engine can start, for `Vm.startProblems` and `VmImage.outdated` to be answered without a call to it.
 * Asks only for what VMs of its regions are ordered as; an engine that has none is left alone.
 */
export function watchFacts({ driver, regions }: WatchedEngine, deps: FactsWatchDependencies): FactsWatch {
  const { db, catalog, log, findLocalBuild = findBuildHere } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const within = (ms: number): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const registries = new Map<string, Asked>();
  const devices = new Map<string, Asked>();
  let facts = NOTHING_LEARNED;

  const describe = async ({ imageRefs, at }: Needs): Promise<void> => {
    const { architecture, images: listed } = await driver.describe(within(DESCRIBE_DEADLINE_MS));
    const images = toKnownImages(listed, at);
    const absent = [...imageRefs].filter((imageRef) => isLocalReference(imageRef) && images.find(imageRef) === undefined);
    const builds = await Promise.all(absent.map(async (imageRef) => ((await findLocalBuild(imageRef)) === undefined ? [] : [imageRef])));
    facts = { ...facts, architecture, images, building: new Set(builds.flat()) };
  };

  const askRegistries = async ({ imageRefs }: Needs): Promise<void> => {
    const absent = [...imageRefs].filter((imageRef) => !isLocalReference(imageRef) && facts.images?.find(imageRef) === undefined);
    const byHost = Map.groupBy(absent, registryOf);
    for (const [host, [imageRef = host]] of byHost) {
      const last = registries.get(host);
      if (!isDue(last, last?.isMissing === true ? UNREACHED_EVERY_MS : REACHED_EVERY_MS)) continue;
      const isReached = await driver.reachesRegistry(imageRef, signal);
      registries.set(host, { at: performance.now(), isMissing: !isReached });
    }
    facts = { ...facts, unreachedRegistries: missingOf(registries) };
  };

  const lookForDevices = async (needs: Needs): Promise<void> => {
    const due = [...needs.devices].filter((device) => isDue(devices.get(device), DEVICES_EVERY_MS));
    if (due.length === 0) return;
    // Before the answer: a host that cannot be looked at is not asked again each time.
    for (const device of due) devices.set(device, { at: performance.now(), isMissing: devices.get(device)?.isMissing === true });
    const missing = new Set(await driver.findMissingDevices(due, within(DEVICES_DEADLINE_MS)));
    for (const device of due) devices.set(device, { at: performance.now(), isMissing: missing.has(device) });
    facts = { ...facts, missingDevices: missingOf(devices) };
  };

  const learn = async (): Promise<void> => {
    const needs = await readNeeds(db, catalog, regions);
    if (needs === undefined) return;
    await describe(needs);
    await Promise.all([askRegistries(needs), lookForDevices(needs)]);
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await learn().catch((error: unknown) => {
        if (!signal.aborted) log.debug({ err: error, regions }, 'learning what the engine can start failed');
      });
      await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    facts: () => facts,
    async close() {
      closing.abort();
      await running;
    },
  };
}

function isDue(asked: Asked | undefined, everyMs: number): boolean {
  return asked === undefined || performance.now() - asked.at >= everyMs;
}

function missingOf(asked: ReadonlyMap<string, Asked>): ReadonlySet<string> {
  return new Set([...asked].flatMap(([name, { isMissing }]) => (isMissing ? [name] : [])));
}

/** Undefined without a VM. */
async function readNeeds(db: Db, catalog: Catalog, regions: readonly string[]): Promise<Needs | undefined> {
  const rows = await db
    .selectFrom('vm')
    .select(['distribution', 'desktop', sql<Date>`now()`.as('at')])
    .distinct()
    .where('region', 'in', [...regions])
    .execute();
  const [first] = rows;
  if (first === undefined) return undefined;
  const ordered = rows.flatMap(({ distribution, desktop }) => {
    const entry = catalog.distributions.get(distribution);
    return entry === undefined ? [] : [{ entry, desktop }];
  });
  const imageRefs = ordered.flatMap(({ entry, desktop }) => [imageOf(entry, desktop) ?? [], localImageOf(entry, desktop) ?? []].flat());
  return { imageRefs: new Set(imageRefs), devices: new Set(ordered.flatMap(({ entry }) => entry.devices)), at: first.at };
}
