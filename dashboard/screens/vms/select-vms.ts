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

const ORDERS: Readonly<Record<Exclude<Sort, 'newest'>, (one: Vm, other: Vm) => number>> = {
  name: (one, other) => one.vmlabel.localeCompare(other.vmlabel, undefined, { numeric: true }),
  status: (one, other) => STATUS_ORDER.indexOf(one.status) - STATUS_ORDER.indexOf(other.status),
};

/** How many VMs each filter shows. */
export function countVms(vms: readonly Vm[]): Readonly<Record<Show, number>> {
  const count = (show: Show): number => vms.filter(FILTERS[show]).length;
  return { all: vms.length, on: count('on'), off: count('off'), attention: count('attention') };
}
