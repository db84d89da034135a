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
  /** One target an address, by mapping name ('' is the VM's own), as long as it leads to the same door: sockets are kept with it. */
  readonly targets: Map<string, { readonly upstream: Upstream; readonly door: string; readonly over: AbortController }>;
}

/** What an address leads to. A change of any of it ends what goes through the old one. */
interface Door {
  readonly vm: Vm;
  readonly ref: string;
  readonly host: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly isPublic: boolean;
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
    const targets: Entry['targets'] = latest?.targets ?? new Map();
    for (const [name, { door, over }] of targets) {
      if (keyOf(vm === undefined ? undefined : doorOf(vm, name)) === door) continue;
      over.abort();
      targets.delete(name);
    }
    entries.delete(vmId);
    const entry: Entry = { vm, order, readAt: Date.now(), targets };
    // Only what exists is kept: made-up ids must not push real ones out.
    if (vm !== undefined) entries.set(vmId, entry);
    forgetOldest(entries);
    return entry;
  };

  /** Where the address leads now; undefined while nothing runs there. DEGRADED stays reachable: the app may answer this very request. */
  const doorOf = (vm: Vm, name: string): Door | undefined => {
    const { status, engineRef, address } = vm;
    const entry = catalog.distributions.get(vm.distribution);
    const mapping = vm.mappings.find((each) => each.name === name);
    const port = name === '' ? entry?.defaultPort : mapping?.internalPort;
    if ((status !== 'RUNNING' && status !== 'DEGRADED') || engineRef === null || address === null || port === undefined) return undefined;
    const scheme = entry !== undefined && port === entry.defaultPort ? entry.scheme : 'http';
    return { vm, ref: engineRef, host: address, port, scheme, isPublic: mapping?.visibility !== 'PRIVATE' };
  };

  const targetOf = ({ vm, targets }: Entry, name: string): Upstream | undefined => {
    const door = vm === undefined ? undefined : doorOf(vm, name);
    if (door === undefined) return undefined;
    const known = targets.get(name);
    if (known !== undefined) return known.upstream;
    const over = new AbortController();
    const { ref, host, port, scheme } = door;
    const upstream: Upstream = { vmId: door.vm.id, ref, host, port, scheme, signal: over.signal };
    targets.set(name, { upstream, door: keyOf(door), over });
    return upstream;
  };

  const resolve: Resolve = async (vmId, name, cookies): Promise<Resolution> => {
    const cached = entries.get(vmId);
    const entry = cached !== undefined && Date.now() - cached.readAt < FRESH_MS ? cached : await read(vmId);
    const { vm } = entry;
    if (vm === undefined) return { kind: 'not-found' };
    const mapping = name === undefined ? undefined : vm.mappings.find((each) => each.name === name);
    if (name !== undefined && mapping === undefined) return { kind: 'not-found' };
    // A VM's own address is guarded by its app's own sign-in; only mappings can be made PRIVATE.
    if (mapping?.visibility === 'PRIVATE' && !tickets.opens(cookies, { vmId, name })) return { kind: 'denied' };
    const target = targetOf(entry, name ?? '');
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
      for (const entry of entries.values()) endTargets(entry);
      entries.clear();
    },
  };
}

function keyOf(door: Door | undefined): string {
  if (door === undefined) return '';
  const { ref, host, port, scheme, isPublic } = door;
  return JSON.stringify([ref, host, port, scheme, isPublic]);
}

function unavailable({ status }: Vm): Resolution {
  if (isBooting(status)) return { kind: 'unavailable', retryAfterSeconds: 2, message: 'This VM is starting; try again shortly.' };
  if (status === 'STOPPED' || status === 'STOPPING') return { kind: 'unavailable', retryAfterSeconds: 30, message: 'This VM is stopped.' };
  return { kind: 'unavailable', retryAfterSeconds: 10, message: 'This VM is not available at the moment.' };
}

function forgetOldest(entries: Map<string, Entry>): void {
  const [oldest] = entries;
  if (entries.size <= KEPT || oldest === undefined) return;
  endTargets(oldest[1]);
  entries.delete(oldest[0]);
}

function endTargets({ targets }: Entry): void {
  for (const { over } of targets.values()) over.abort();
}
