import type { Vm } from '../../api/vm-fields.ts';
import { needsAttention } from '../../vms/vm-facts.ts';

export const SHOWS = ['all', 'on', 'off', 'attention'] as const;
export type Show = (typeof SHOWS)[number];
export const SORTS = ['newest', 'name', 'status'] as const;
export type Sort = (typeof SORTS)[number];

export interface Selection {
  readonly search: string;
  readonly show: Show;
  readonly sort: Sort;
}

const FILTERS: Readonly<Record<Show, (vm: Vm) => boolean>> = {
  all: () => true,
  on: ({ enabled }) => enabled,
  off: ({ enabled }) => !enabled,
  attention: needsAttention,
};

/** What a person looks for first. */
const STATUS_ORDER: readonly Vm['status'][] = [
  'FAILED',
  'DEGRADED',
  'UNKNOWN',
  'QUEUED',
  'PULLING',
  'STARTING',
  'BOOTING',
  'RUNNING',
  'STOPPING',
  'DELETING',
  'STOPPED',
];

/** Ids of the VMs to list. `vms` has the newest first. */
export function selectVms(vms: readonly Vm[], { search, show, sort }: Selection): string[] {
  const wanted = search.trim().toLowerCase();
  const found = vms.filter((vm) => FILTERS[show](vm) && vm.vmlabel.toLowerCase().includes(wanted));
  const sorted = sort === 'newest' ? found : found.toSorted(ORDERS[sort]);
  return sorted.map(({ id }) => id);
}

/** Made once: `localeCompare` with options makes one for each pair. */
const NAMES = new Intl.Collator(undefined, { numeric: true });

const ORDERS: Readonly<Record<Exclude<Sort, 'newest'>, (one: Vm, other: Vm) => number>> = {
  name: (one, other) => NAMES.compare(one.vmlabel, other.vmlabel),
  status: (one, other) => STATUS_ORDER.indexOf(one.status) - STATUS_ORDER.indexOf(other.status),
};

/** The list before, if the next one has the same ids in the same order: then nothing but changed rows is drawn. */
export function keepIfSame(before: readonly string[], next: readonly string[]): readonly string[] {
  return before.length === next.length && next.every((id, at) => before[at] === id) ? before : next;
}

/** How many VMs each filter shows. */
export function countVms(vms: readonly Vm[]): Readonly<Record<Show, number>> {
  const count = (show: Show): number => vms.filter(FILTERS[show]).length;
  return { all: vms.length, on: count('on'), off: count('off'), attention: count('attention') };
}
