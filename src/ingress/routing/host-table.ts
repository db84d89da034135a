import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import type { Listener } from '../../db/listen.ts';
import { isBooting } from '../../vm/vm-status.ts';
import { forwardAddressOf, type ForwardSettings } from '../../vm/networking/port-forward.ts';
import { findVmOfAnyone, findVmVersions, versionOf } from '../../vm/vm-store.ts';
import type { Vm } from '../../vm/vm.ts';
import type { OwnCookies } from '../access/own-cookies.ts';
import type { Resolution, Resolve, Sight, Upstream } from './resolution.ts';
import type { TicketPlace, Tickets } from '../access/tickets.ts';
import { doorKey, findWay, openDoor, type Way } from './vm-door.ts';

export interface HostTable {
  readonly resolve: Resolve;
  /** The VM behind an address, as whoever holds these cookies may see it; undefined for who may not. */
  look(place: TicketPlace, cookies: OwnCookies): Promise<Sight | undefined>;
  /** What runs on that container ends at once: the engine says that it is gone. */
  dropContainer(vmId: string, ref: string): void;
  close(): void;
}

interface HostTableDependencies {
  readonly db: Db;
  readonly listener: Listener;
  readonly catalog: Catalog;
  readonly forward: Pick<ForwardSettings, 'hosts'>;
  readonly tickets: Tickets;
}

interface Entry {
  readonly vm: Vm | undefined;
  readonly order: number;
  /** When the row was last known to be this; 0 when there was a hint since. */
  checkedAt: number;
  /** Until when its container counts as gone, though the row does not say so yet. */
  readonly goneUntil: number;
  /** When it was last asked for. */
  usedAt: number;
  /** One target a way, as long as it leads to the same door: sockets are kept with it. */
  readonly targets: Map<string, Target>;
}

interface Target {
  readonly upstream: Upstream;
  readonly way: Way;
  readonly door: string;
  readonly over: AbortController;
}

/** A notification may be lost: what was known longer ago is not used, and what runs through it is looked at so often. */
const FRESH_MS = 900;
const SWEEP_EVERY_MS = 400;
/** How long the engine's word that a container is gone outweighs a row that nobody has changed since: its reconciler has looked by then. */
const GONE_MS = 3_000;
const KEPT = 10_000;
/** How many are removed at a time when there are more, for it takes a look at all. */
const REMOVED = 100;
/** How many addresses of no VM are remembered: apart from the others, so that made-up ones push none of those out. */
const MISSES_KEPT = 1_000;
/** A vmId without a row. */
const NONE: Resolution = { kind: 'not-found' };

/**
 * Where each VM's addresses lead, as its row says. Each event of a VM makes its entry be read again, and a sweep does for those that
 * got lost; when its container is another, or it no longer runs, what goes through the old one ends at once.
 */
export function createHostTable(deps: HostTableDependencies): HostTable {
  const { db, listener, catalog, forward, tickets } = deps;
  const entries = new Map<string, Entry>();
  /** Until when each id counts as that of no VM. */
  const misses = new Map<string, number>();
  const rememberMiss = (vmId: string, begun: number): void => {
    misses.delete(vmId);
    misses.set(vmId, begun + FRESH_MS);
    const [oldest] = misses.keys();
    if (misses.size > MISSES_KEPT && oldest !== undefined) misses.delete(oldest);
  };
  const isMiss = (vmId: string): boolean => (misses.get(vmId) ?? 0) > performance.now();

  let reads = 0;
  const read = async (vmId: string): Promise<Entry> => {
    const order = (reads += 1);
    // Before the statement: what commits during it may not be in its answer.
    const begun = performance.now();
    const vm = await findVmOfAnyone(db, vmId);
    const latest = entries.get(vmId);
    // A read that began later has seen more, also if it came back first.
    if (latest !== undefined && latest.order > order) return latest;
    const targets: Entry['targets'] = latest?.targets ?? new Map();
    for (const [key, { way, door, over }] of targets) {
      if (doorKey(vm === undefined ? undefined : openDoor(vm, wayOf(vm, way))) === door) continue;
      over.abort();
      targets.delete(key);
    }
    const isSame = vm !== undefined && latest?.vm !== undefined && versionOf(vm) === versionOf(latest.vm);
    const goneUntil = isSame ? latest.goneUntil : 0;
    const entry: Entry = { vm, order, checkedAt: begun, targets, goneUntil, usedAt: latest?.usedAt ?? begun };
    if (vm === undefined) {
      entries.delete(vmId);
      rememberMiss(vmId, begun);
      return entry;
    }
    misses.delete(vmId);
    entries.set(vmId, entry);
    if (latest === undefined) forgetLeastUsed(entries);
    return entry;
  };
  /** The way by the same key as the row has it now. */
  const wayOf = (vm: Vm, { key }: Way): Way | undefined => {
    const isOwn = key === '' || key.startsWith('/');
    const way = findWay(vm, catalog.distributions.get(vm.distribution), isOwn ? undefined : key, isOwn ? key : '/');
    return way?.key === key ? way : undefined;
  };

  const targetOf = ({ vm, targets, goneUntil }: Entry, way: Way): Upstream | undefined => {
    const known = targets.get(way.key);
    if (known !== undefined) return known.upstream;
    const door = vm === undefined || goneUntil > performance.now() ? undefined : openDoor(vm, way);
    if (vm === undefined || door === undefined) return undefined;
    const over = new AbortController();
    const { ref, host, port, scheme, strip } = door;
    const upstream: Upstream = { vmId: vm.id, ref, host, port, scheme, strip, signal: over.signal, load: { open: 0 } };
    targets.set(way.key, { upstream, way, door: doorKey(door), over });
    return upstream;
  };

  /** One read at a time serves all who ask meanwhile; a hint begins another, which they get who ask after it. */
  const underWay = new Map<string, Promise<Entry>>();
  const readOnce = (vmId: string): Promise<Entry> => {
    const known = underWay.get(vmId);
    if (known !== undefined) return known;
    const reading = read(vmId).finally(() => underWay.get(vmId) === reading && underWay.delete(vmId));
    underWay.set(vmId, reading);
    return reading;
  };

  const isFresh = (entry: Entry | undefined): entry is Entry => entry !== undefined && performance.now() - entry.checkedAt < FRESH_MS;
  const ticketFor = (vm: Vm, cookies: OwnCookies, place: TicketPlace) => {
    const ticket = cookies.size === 0 ? undefined : tickets.find(cookies, place);
    return ticket?.userId === vm.userId ? ticket : undefined;
  };

  const resolveIn = (entry: Entry, name: string | undefined, path: string, cookies: OwnCookies): Resolution => {
    const { vm } = entry;
    if (vm === undefined) return NONE;
    entry.usedAt = performance.now();
    const way = findWay(vm, catalog.distributions.get(vm.distribution), name, path);
    if (way === undefined && name !== undefined) return { kind: 'not-found' };
    const ticket = ticketFor(vm, cookies, { vmId: vm.id, name });
    if (way?.isPublic !== true && ticket === undefined) return { kind: 'denied' };
    if (way?.protocol === 'tcp') {
      return { kind: 'not-http', port: way.port, address: forwardAddressOf(forward, vm, 'tcp', way.port), sight: { vm, ticket } };
    }
    if (way !== undefined && way.key !== '' && path === way.key) return { kind: 'moved', path: `${path}/` };
    const target = way === undefined ? undefined : targetOf(entry, way);
    if (target === undefined) return unavailable({ vm, ticket });
    return { kind: 'upstream', target, ticket: way?.isPublic === true ? undefined : ticket };
  };

  const sweepOnce = async (): Promise<void> => {
    if (entries.size === 0) return;
    const begun = performance.now();
    const swept = new Map(entries);
    const versions = await findVmVersions(db, [...swept.keys()]);
    for (const [vmId, entry] of swept) {
      if (entries.get(vmId) !== entry || entry.vm === undefined) continue;
      if (versions.get(vmId) !== versionOf(entry.vm)) reread(vmId);
      else if (entry.checkedAt > 0) entry.checkedAt = Math.max(entry.checkedAt, begun);
    }
  };
  /** A failed read keeps the entry, unused until one succeeds. */
  const reread = (vmId: string): void => {
    underWay.delete(vmId);
    const entry = entries.get(vmId);
    // What is not cached has no streams to end, and is read when it is asked for.
    if (entry === undefined) return;
    entry.checkedAt = 0;
    void readOnce(vmId).catch(() => undefined);
  };

  let sweeping = false;
  const sweep = setInterval(() => {
    if (sweeping) return;
    sweeping = true;
    void sweepOnce()
      .catch(() => undefined)
      .finally(() => (sweeping = false));
  }, SWEEP_EVERY_MS);
  sweep.unref();
  const unlisten = [
    listener.on('vm_event', (payload) => {
      const [, vmId] = JSON.parse(payload) as [string, string];
      misses.delete(vmId);
      reread(vmId);
    }),
    listener.onResync(() => {
      misses.clear();
      for (const vmId of entries.keys()) reread(vmId);
    }),
  ];
  return {
    resolve(vmId, name, path, cookies) {
      const cached = entries.get(vmId);
      if (cached === undefined && isMiss(vmId)) return NONE;
      return isFresh(cached)
        ? resolveIn(cached, name, path, cookies)
        : readOnce(vmId).then((entry) => resolveIn(entry, name, path, cookies));
    },
    async look(place, cookies) {
      const cached = entries.get(place.vmId);
      if (cached === undefined && isMiss(place.vmId)) return undefined;
      const { vm } = isFresh(cached) ? cached : await readOnce(place.vmId);
      if (vm === undefined) return undefined;
      const ticket = ticketFor(vm, cookies, place);
      const isPublic = vm.mappings.some(({ name, visibility }) => name === place.name && visibility === 'PUBLIC');
      return ticket !== undefined || isPublic ? { vm, ticket } : undefined;
    },
    dropContainer(vmId, ref) {
      const entry = entries.get(vmId);
      // One that was replaced goes when the new one answers already.
      if (entry?.vm?.engineRef !== ref) return;
      endTargets(entry);
      entries.set(vmId, { ...entry, goneUntil: performance.now() + GONE_MS });
      reread(vmId);
    },
    close() {
      clearInterval(sweep);
      for (const stop of unlisten) stop();
      for (const entry of entries.values()) endTargets(entry);
      entries.clear();
    },
  };
}

function unavailable(sight: Sight): Resolution {
  const { status } = sight.vm;
  if (isBooting(status)) return { kind: 'unavailable', retryAfterSeconds: 2, message: 'This VM is starting; try again shortly.', sight };
  if (status === 'STOPPED' || status === 'STOPPING') {
    return { kind: 'unavailable', retryAfterSeconds: 30, message: 'This VM is stopped.', sight };
  }
  return { kind: 'unavailable', retryAfterSeconds: 10, message: 'This VM is not available at the moment.', sight };
}

/** Removes the least recently used when there are too many, but none through which something runs. */
function forgetLeastUsed(entries: Map<string, Entry>): void {
  if (entries.size <= KEPT) return;
  const idle = [...entries].filter(([, entry]) => !isOpen(entry)).toSorted(([, one], [, other]) => one.usedAt - other.usedAt);
  for (const [vmId, entry] of idle.slice(0, REMOVED)) {
    endTargets(entry);
    entries.delete(vmId);
  }
}

function isOpen({ targets }: Entry): boolean {
  return [...targets.values()].some(({ upstream }) => upstream.load.open > 0);
}

function endTargets({ targets }: Entry): void {
  for (const { over } of targets.values()) over.abort();
  targets.clear();
}
