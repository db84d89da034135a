import { z } from 'zod';
import { readTextFile } from '../lib/files/read-text-file.ts';
import { distributionSchema } from './distribution-schema.ts';
import { toDistribution, type Distribution } from './distribution.ts';
import { DISTRIBUTIONS } from './distributions.ts';
import { planSchema, PLANS, type Plan } from './plan.ts';

export interface Region {
  readonly code: string;
  readonly name: string;
}

/** Everything that users can order. It may change between two reads of a property, see `LiveCatalog`. */
export interface Catalog {
  readonly distributions: ReadonlyMap<string, Distribution>;
  readonly plans: ReadonlyMap<string, Plan>;
  readonly regions: ReadonlyMap<string, Region>;
  readonly defaultPlan: Plan;
}

export interface CatalogOptions {
  readonly catalogFile?: string | undefined;
  readonly plansFile?: string | undefined;
  readonly defaultPlan: string;
  readonly regions: readonly string[];
}

const REGION_NAMES: Readonly<Record<string, string>> = {
  AU: 'Australia',
  US: 'United States',
  EU: 'Europe',
  UK: 'United Kingdom',
};

const catalogFileSchema = z.strictObject({
  distributions: z.array(z.looseObject({ code: z.string() })).default([]),
});
const plansFileSchema = z.strictObject({ plans: z.array(z.looseObject({ code: z.string() })) });

/**
 * Merges the operator's files into the built-in catalog by entry. Rejects with the setting, file and field of an error.
 */
export async function loadCatalog({ catalogFile, plansFile, defaultPlan, regions }: CatalogOptions): Promise<Catalog> {
  const [ownDistributions, ownPlans] = [placeOf('CATALOG_FILE', catalogFile), placeOf('PLANS_FILE', plansFile)];
  const extraDistributions =
    catalogFile === undefined ? [] : (await readJson('CATALOG_FILE', catalogFile, catalogFileSchema)).distributions;
  const extraPlans = plansFile === undefined ? [] : (await readJson('PLANS_FILE', plansFile, plansFileSchema)).plans;
  const distributions = mergeByCode(DISTRIBUTIONS, extraDistributions).map((entry) =>
    toDistribution(check(distributionSchema, withName(entry), ownDistributions, `distribution "${entry.code}"`)),
  );
  for (const { code, desktops, image } of distributions) {
    if (desktops.length === 0 && image === undefined) {
      throw new Error(`${ownDistributions}: distribution "${code}" needs "image" or "images".`);
    }
  }
  const plans = mergeByCode(PLANS, extraPlans).map((entry) =>
    check(planSchema, withName(entry), ownPlans, `plan "${entry.code}"`),
  );
  const fallback = plans.find((plan) => plan.code === defaultPlan);
  if (fallback === undefined) {
    throw new Error(
      `DEFAULT_PLAN "${defaultPlan}" is not a plan; the plans are ${plans.map((plan) => plan.code).join(', ')}.`,
    );
  }
  return {
    distributions: byCode(distributions),
    plans: byCode(plans),
    regions: toRegions(regions),
    defaultPlan: fallback,
  };
}

/** The regions with these codes, in this order. */
export function toRegions(codes: readonly string[]): Catalog['regions'] {
  return byCode(codes.map((code) => ({ code, name: REGION_NAMES[code] ?? code })));
}

type Entry = {
  code: string;
  images?: unknown;
  image?: unknown;
  localImages?: unknown;
  localImage?: unknown;
  name?: unknown;
  probe?: unknown;
  signIn?: unknown;
};

/** The fields of later entries replace those of earlier ones. */
function mergeByCode(base: readonly Entry[], extra: readonly Entry[]): Entry[] {
  const merged = new Map<string, Entry>(base.map((entry) => [entry.code, entry]));
  for (const entry of extra) {
    const known = merged.get(entry.code);
    merged.set(entry.code, { ...known, ...entry, ...mergeImages(known, entry) });
  }
  return [...merged.values()];
}

/**
 * `images` replaces the images of single desktops, and `image` those of all. An app with `images` becomes a webtop
 * base. An image of the operator has neither our stand-in nor our probe and sign-in, because it may answer differently:
 * the default probe is `/`.
 */
function mergeImages(known: Entry | undefined, entry: Entry): Partial<Entry> {
  const desktops = isRecord(known?.images) ? known.images : {};
  const standIns = isRecord(known?.localImages) ? known.localImages : {};
  const chosen = isRecord(entry.images) ? entry.images : undefined;
  const own = isRecord(entry.localImages) ? entry.localImages : {};
  const { probe, signIn } = entry;
  if (chosen !== undefined) {
    const kept = Object.fromEntries(Object.entries(standIns).filter(([desktop]) => !Object.hasOwn(chosen, desktop)));
    return {
      images: { ...desktops, ...chosen },
      image: undefined,
      localImages: { ...kept, ...own },
      localImage: entry.localImage,
      probe,
      signIn,
    };
  }
  if (entry.image === undefined) return {};
  if (Object.keys(desktops).length === 0) return { localImage: entry.localImage, probe, signIn };
  const all = Object.fromEntries(Object.keys(desktops).map((desktop) => [desktop, entry.image]));
  return { images: all, image: undefined, localImages: own, localImage: entry.localImage, probe, signIn };
}

function withName(entry: Entry): Entry {
  return { ...entry, name: entry.name ?? entry.code };
}

function byCode<T extends { code: string }>(entries: readonly T[]): ReadonlyMap<string, T> {
  return new Map(entries.map((entry) => [entry.code, entry]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function placeOf(setting: string, file: string | undefined): string {
  return file === undefined ? 'the built-in catalog' : `${setting} "${file}"`;
}

async function readJson<T extends z.ZodType>(setting: string, file: string, schema: T): Promise<z.output<T>> {
  const read = parseJson(await readTextFile(setting, file));
  if ('where' in read) throw new Error(`${placeOf(setting, file)} is not JSON${read.where}.`);
  return check(schema, read.value, placeOf(setting, file), 'the file');
}

/** The value, or where the text is wrong: the message of the error would quote the file. */
function parseJson(text: string): { readonly value: unknown } | { readonly where: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const [where] = / \(line \d+ column \d+\)/.exec(String(error)) ?? [''];
    return { where };
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, place: string, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`).join('; ');
  throw new Error(`${place}: ${what} is not valid: ${problems}`);
}
