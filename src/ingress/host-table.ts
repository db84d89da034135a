import type { Catalog } from '../catalog/catalog.ts';
import type { Db } from '../db/database.ts';
import type { Listener } from '../db/listen.ts';
import { findVmOfAnyone } from '../vm/vm-store.ts';
import { isBooting } from '../vm/vm-status.ts';
import type { Vm } from '../vm/vm.ts';
import type { Resolution, Resolve, Upstream } from './resolution.ts';
import type { Tickets } from './tickets.ts';

export interface HostTable {
  readonly resolve: Resolve;
  close(): void;
}

interface Entry {
  readonly vm: Vm | undefined;
  readonly order: number;
  readonly readAt: number;
  /** One target a port, as long as the container stands: sockets are kept with it. */
  readonly targets: Map<number, Upstream>;
  /** Ends every target. */
  readonly over: AbortController;
}

/** A notification may be lost: what was read longer ago is read again. */
const FRESH_MS = 3_000;
const KEPT = 10_000;

/**
 * Where each VM's addresses lead, as its row says. Each event of a VM makes its entry be read again; when its container
 * is another, or it no longer runs, what goes through the old one ends at once.
 */
export function createHostTable(deps: { db: Db; listener: Listener; catalog: Catalog; tickets: Tickets }): HostTable {
  const { db, listener, catalog, tickets } = deps;
  const entries = new Map<string, Entry>();

  let reads = 0;
  const read = async (vmId: string): Promise<Entry> => {
    const order = (reads += 1);
    const vm = await findVmOfAnyone(db, vmId);
    const latest = entries.get(vmId);
    // A read that began later has seen more, also if it came back first.
    if (latest !== undefined && latest.order > order) return latest;
    const same = latest !== undefined && vm !== undefined && placeOf(latest.vm) === placeOf(vm);
    if (!same) latest?.over.abort();
    entries.delete(vmId);
    const { targets, over } = same ? latest : { targets: new Map<number, Upstream>(), over: new AbortController() };
    const entry: Entry = { vm, order, readAt: Date.now(), targets, over };
    // Only what exists is kept: made-up ids must not push real ones out.
    if (vm !== undefined) entries.set(vmId, entry);
    forgetOldest(entries);
    return entry;
  };

  const targetOf = ({ vm, targets, over }: Entry, port: number): Upstream | undefined => {
    if (placeOf(vm) === undefined || vm?.engineRef == null || vm.address === null) return undefined;
    const known = targets.get(port);
    if (known !== undefined) return known;
    const entry = catalog.distributions.get(vm.distribution);
    const scheme = entry !== undefined && port === entry.defaultPort ? entry.scheme : 'http';
    const target: Upstream = { vmId: vm.id, ref: vm.engineRef, host: vm.address, port, scheme, signal: over.signal };
    targets.set(port, target);
    return target;
  };

  const resolve: Resolve = async (vmId, name, cookies): Promise<Resolution> => {
    const cached = entries.get(vmId);
    const entry = cached !== undefined && Date.now() - cached.readAt < FRESH_MS ? cached : await read(vmId);
    const { vm } = entry;
    if (vm === undefined) return { kind: 'not-found' };
    const mapping = name === undefined ? undefined : vm.mappings.find((each) => each.name === name);
    if (name !== undefined && mapping === undefined) return { kind: 'not-found' };
    if (mapping?.visibility === 'PRIVATE' && !tickets.opens(cookies, { vmId, name })) return { kind: 'denied' };
    const port = mapping?.internalPort ?? catalog.distributions.get(vm.distribution)?.defaultPort;
    const target = port === undefined ? undefined : targetOf(entry, port);
    return target === undefined ? unavailable(vm) : { kind: 'upstream', target };
  };

  const unlisten = [
    listener.on('vm_event', (payload) => {
      const [, vmId] = JSON.parse(payload) as [string, string];
      // What is not cached has no streams to end, and is read when it is asked for. A failed read keeps the entry until it is stale.
      if (entries.has(vmId)) void read(vmId).catch(() => undefined);
    }),
    listener.onResync(() => {
      for (const vmId of entries.keys()) void read(vmId).catch(() => undefined);
    }),
  ];
  return {
    resolve,
    close() {
      for (const stop of unlisten) stop();
      for (const { over } of entries.values()) over.abort();
      entries.clear();
    },
  };
}

/** What a target hangs on; undefined when the VM has none. DEGRADED stays reachable: the app may answer this very request. */
function placeOf(vm: Vm | undefined): string | undefined {
  if (vm === undefined) return undefined;
  const { status, engineRef, address } = vm;
  if (status !== 'RUNNING' && status !== 'DEGRADED') return undefined;
  return engineRef === null || address === null ? undefined : `${engineRef} ${address}`;
}

function unavailable({ status }: Vm): Resolution {
  if (isBooting(status)) return { kind: 'unavailable', retryAfterSeconds: 2, message: 'This VM is starting; try again shortly.' };
  if (status === 'STOPPED' || status === 'STOPPING') return { kind: 'unavailable', retryAfterSeconds: 30, message: 'This VM is stopped.' };
  return { kind: 'unavailable', retryAfterSeconds: 10, message: 'This VM is not available at the moment.' };
}

function forgetOldest(entries: Map<string, Entry>): void {
  const [oldest] = entries;
  if (entries.size <= KEPT || oldest === undefined) return;
  oldest[1].over.abort();
  entries.delete(oldest[0]);
}
