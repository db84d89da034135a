import type { DeskData, Distribution } from '../api/desk.ts';
import type { ImageAvailability } from '../api/queries.ts';

/** What screens conclude from an entry of the catalog. Pure. */

/** Whether it can be chosen for a new VM without a warning. */
export function isOffered({ deprecated }: Pick<Distribution, 'deprecated'>): boolean {
  return deprecated === null;
}

/** Whether the operator can build an image of it where no registry answers. */
function hasLocalImage({ images }: Pick<Distribution, 'images'>): boolean {
  return images.some(({ standIn }) => standIn !== null);
}

/** The desktop to begin with: one that can be built here comes first, since it works with and without a registry. */
export function firstDesktop({ desktops, images }: Pick<Distribution, 'desktops' | 'images'>): string | null {
  const buildable = images.find(({ desktop, standIn }) => desktop !== null && standIn !== null);
  return buildable?.desktop ?? desktops[0] ?? null;
}

/** What a new VM is by default: a desktop that can be built here, or the first. */
export function firstChoice(catalog: readonly Distribution[]): Distribution | undefined {
  const desktops = catalog.filter((each) => isOffered(each) && each.kind === 'WEBTOP');
  return desktops.find(hasLocalImage) ?? desktops[0] ?? catalog[0];
}

/** What a new VM gets of an entry: as much as it works well with, if the plan has that left. */
export function sizeFor(
  { minimum, recommended }: Pick<Distribution, 'minimum' | 'recommended'>,
  { plan, usage }: Pick<DeskData['me'], 'plan' | 'usage'>,
): { cpu: number; ram: number } {
  const fit = (name: 'cpu' | 'ram'): number =>
    Math.max(minimum[name], Math.min(recommended[name], plan[name] - usage[name]));
  return { cpu: fit('cpu'), ram: fit('ram') };
}

const MOST_OFFERS = 6;
/** What runs here soonest comes first. */
const SOONEST: readonly (ImageAvailability | undefined)[] = ['READY', 'BUILDABLE', 'DOWNLOAD', 'UNKNOWN', undefined];

/** The entries that are offered to somebody without a VM; those that cannot run here only if nothing else can. */
export function firstOffers(
  catalog: readonly Distribution[],
  availability: ReadonlyMap<string, ImageAvailability>,
): readonly Distribution[] {
  const place = ({ code }: Distribution): number => SOONEST.indexOf(availability.get(code));
  const offered = catalog.filter(isOffered);
  const possible = offered.filter((entry) => place(entry) >= 0).toSorted((one, other) => place(one) - place(other));
  return (possible.length > 0 ? possible : offered).slice(0, MOST_OFFERS);
}

/** A name that no other VM has: "Debian XFCE 2". */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name} ${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
