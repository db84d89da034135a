import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { VmEvent } from '../api/vm-events.ts';
import type { Vm } from '../api/vm-fields.ts';
import { NOTHING, type VmState } from './vm-store.ts';

/**
 * The VMs on the screen: one signal for each, so that an event draws one row.
 *
 * INVARIANTS
 * - Only the event stream changes them, see `follow-vms.ts`.
 * - All events of one drawing are published in one batch.
 */
const state = signal<VmState>(NOTHING);
const signals = new Map<string, Signal<Vm | undefined>>();
const ids = signal<readonly string[]>([]);
const listeners = new Set<(events: readonly VmEvent[]) => void>();

/** Ids in order of creation, the newest first. */
export const vmIds: ReadonlySignal<readonly string[]> = ids;
/** Whether every VM of the account is known. */
export const isComplete = computed(() => state.value.seq !== undefined);
export const allVms = computed(() => ids.value.flatMap((id) => vmSignal(id).value ?? []));

/** One VM; undefined if there is none, or if it is not known yet. */
export function vmSignal(id: string): ReadonlySignal<Vm | undefined> {
  return ownSignal(id);
}

export function vmState(): VmState {
  return state.peek();
}

/** Calls back with the events after each publication. Returns the way to stop. */
export function onVmEvents(listener: (events: readonly VmEvent[]) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Puts a state on the screen, with the events that led to it. */
export function publish(next: VmState, events: readonly VmEvent[] = []): void {
  const before = state.peek();
  batch(() => {
    state.value = next;
    for (const id of new Set([...before.vms.keys(), ...next.vms.keys()])) {
      const vm = next.vms.get(id);
      if (vm !== before.vms.get(id)) ownSignal(id).value = vm;
      // A component that still shows it is drawn again now, and gets a new one.
      if (vm === undefined) signals.delete(id);
    }
    if (!haveSameKeys(before.vms, next.vms)) {
      const newestFirst = [...next.vms.values()].toSorted((one, other) => other.createdAt.localeCompare(one.createdAt));
      ids.value = newestFirst.map(({ id }) => id);
    }
  });
  for (const listener of listeners) listener(events);
}

function ownSignal(id: string): Signal<Vm | undefined> {
  const known = signals.get(id) ?? signal<Vm | undefined>(undefined);
  signals.set(id, known);
  return known;
}

function haveSameKeys(one: ReadonlyMap<string, Vm>, other: ReadonlyMap<string, Vm>): boolean {
  return one.size === other.size && [...one.keys()].every((id) => other.has(id));
}
