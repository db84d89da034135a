import { sql } from 'kysely';
import { imageOf, localImageOf } from '../../catalog/distribution.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import { isLocalReference, registryOf } from '../../engine/image-reference.ts';
import { findLocalBuild as findBuildHere, type FindLocalBuild } from '../../engine/local-builds.ts';
import type { Log } from '../../log.ts';
import { NOTHING_LEARNED, toKnownImages, type LearnedFacts } from '../../vm/engine-facts.ts';
import type { WatchedEngine } from './engine/engine-watch.ts';
import { repeat } from '../../lib/concurrency/repeat.ts';

interface FactsWatchOptions {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly log: Log;
  /** Finds a running build of `npm run images` on this machine. */
  readonly findLocalBuild?: FindLocalBuild;
}

const EVERY_MS = 15_000;
const DESCRIBE_DEADLINE_MS = 10_000;
/** Shorter for a registry that did not answer: VMs are waiting for it. */
const UNREACHED_EVERY_MS = 60_000;
const REACHED_EVERY_MS = 5 * 60_000;
const DEVICES_EVERY_MS = 10 * 60_000;
const DEVICES_DEADLINE_MS = 30_000;
/** After facts are read, the whole catalog is checked for this long: the reader may be choosing from it. */
const WANTED_MS = 60_000;

/** What an engine is checked for. */
interface Needs {
  readonly imageRefs: ReadonlySet<string>;
  readonly devices: ReadonlySet<string>;
  /** When the rows were read, by the database's clock. */
  readonly at: Date;
}

interface Check {
  /** By performance.now(). */
  readonly at: number;
  readonly isMissing: boolean;
}

/**
 * Learns what an engine can start: `Vm.startProblems`, `VmImage.outdated` and `Distribution.availability` are answered
 * without a call to it. Checks what VMs of its regions need, and the images of the whole catalog at the start and while
 * facts are read: an engine without VMs that nobody looks at is left alone.
 */
export class FactsWatch {
  readonly #driver: EngineDriver;
  readonly #regions: readonly string[];
  readonly #options: FactsWatchOptions;
  readonly #closing = new AbortController();
  readonly #registries = new Map<string, Check>();
  readonly #devices = new Map<string, Check>();
  readonly #loop: Promise<void>;
  #facts = NOTHING_LEARNED;
  /** By performance.now(). */
  #wantedAt = performance.now();

  constructor({ driver, regions }: WatchedEngine, options: FactsWatchOptions) {
    this.#driver = driver;
    this.#regions = regions;
    this.#options = options;
    this.#loop = repeat(() => this.#learn(), {
      signal: this.#closing.signal,
      pauseMs: () => EVERY_MS,
      onError: (error) => options.log.debug({ err: error, regions }, 'failed to learn what the engine can start'),
    });
  }

  /** As last learned. Keeps the whole catalog checked for a while. */
  read(): LearnedFacts {
    this.#wantedAt = performance.now();
    return this.#facts;
  }

  async #learn(): Promise<void> {
    const isWanted = performance.now() - this.#wantedAt < WANTED_MS;
    const needs = await readNeeds(this.#options, this.#regions, { wholeCatalog: isWanted });
    if (needs === undefined) return;
    await this.#describe(needs);
    await Promise.all([this.#checkRegistries(needs), this.#checkDevices(needs)]);
  }

  async #describe({ imageRefs, at }: Needs): Promise<void> {
    const { findLocalBuild = findBuildHere } = this.#options;
    const { architecture, images: listed } = await this.#driver.describe(this.#within(DESCRIBE_DEADLINE_MS));
    const images = toKnownImages(listed, at);
    const absent = [...imageRefs].filter(
      (imageRef) => isLocalReference(imageRef) && images.find(imageRef) === undefined,
    );
    const builds = await Promise.all(
      absent.map(async (imageRef) => ((await findLocalBuild(imageRef)) === undefined ? [] : [imageRef])),
    );
    this.#facts = { ...this.#facts, architecture, images, building: new Set(builds.flat()) };
  }

  async #checkRegistries({ imageRefs }: Needs): Promise<void> {
    const { images } = this.#facts;
    const absent = [...imageRefs].filter(
      (imageRef) => !isLocalReference(imageRef) && images?.find(imageRef) === undefined,
    );
    for (const [host, [imageRef = host]] of Map.groupBy(absent, registryOf)) {
      const last = this.#registries.get(host);
      if (!isDue(last, last?.isMissing === true ? UNREACHED_EVERY_MS : REACHED_EVERY_MS)) continue;
      const isReached = await this.#driver.reachesRegistry(imageRef, this.#closing.signal);
      this.#registries.set(host, { at: performance.now(), isMissing: !isReached });
    }
    const askedRegistries = new Set(this.#registries.keys());
    this.#facts = { ...this.#facts, askedRegistries, unreachedRegistries: missingOf(this.#registries) };
  }

  async #checkDevices(needs: Needs): Promise<void> {
    const due = [...needs.devices].filter((device) => isDue(this.#devices.get(device), DEVICES_EVERY_MS));
    if (due.length === 0) return;
    // Noted before the call: a host that does not answer must not be asked every time.
    for (const device of due) this.#noteDevice(device, this.#devices.get(device)?.isMissing === true);
    const missing = new Set(await this.#driver.findMissingDevices(due, this.#within(DEVICES_DEADLINE_MS)));
    for (const device of due) this.#noteDevice(device, missing.has(device));
    this.#facts = { ...this.#facts, missingDevices: missingOf(this.#devices) };
  }

  #noteDevice(device: string, isMissing: boolean): void {
    this.#devices.set(device, { at: performance.now(), isMissing });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ms)]);
  }
}

function isDue(last: Check | undefined, everyMs: number): boolean {
  return last === undefined || performance.now() - last.at >= everyMs;
}

function missingOf(checks: ReadonlyMap<string, Check>): ReadonlySet<string> {
  return new Set([...checks].flatMap(([name, { isMissing }]) => (isMissing ? [name] : [])));
}

/** Undefined when there is nothing to check: no VM in the regions, and nobody who looks at the catalog. */
async function readNeeds(
  { db, catalog }: FactsWatchOptions,
  regions: readonly string[],
  { wholeCatalog }: { wholeCatalog: boolean },
): Promise<Needs | undefined> {
  const { rows: times } = await sql<{ at: Date }>`select now() as at`.execute(db);
  const rows = await db
    .selectFrom('vm')
    .select(['distribution', 'desktop'])
    .distinct()
    .where('region', 'in', [...regions])
    .execute();
  const [now] = times;
  if (now === undefined || (rows.length === 0 && !wholeCatalog)) return undefined;
  const ordered = rows.flatMap(({ distribution, desktop }) => {
    const entry = catalog.distributions.get(distribution);
    return entry === undefined ? [] : [{ entry, desktop }];
  });
  const offered = [...catalog.distributions.values()].flatMap((entry) =>
    (entry.desktops.length === 0 ? [null] : entry.desktops).map((desktop) => ({ entry, desktop })),
  );
  const imageRefs = [...ordered, ...(wholeCatalog ? offered : [])].flatMap(({ entry, desktop }) =>
    [imageOf(entry, desktop) ?? [], localImageOf(entry, desktop) ?? []].flat(),
  );
  return {
    imageRefs: new Set(imageRefs),
    devices: new Set(ordered.flatMap(({ entry }) => entry.devices)),
    at: now.at,
  };
}
