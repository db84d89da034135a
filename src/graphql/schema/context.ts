import DataLoader from 'dataloader';
import type { Actor } from '../../audit/viewer.ts';
import { requireScope } from '../../auth/require-scope.ts';
import type { Cuttable } from '../../events/event-reader.ts';
import type { EventStreams } from '../../events/event-streams.ts';
import type { BootProgress } from '../../events/boot-progress.ts';
import { listVmEvents } from '../../events/event-store.ts';
import type { VmEvent } from '../../events/vm-event.ts';
import type { Page, PageRequest } from '../../lib/page.ts';
import type { EngineFacts } from '../../vm/engine-facts.ts';
import type { Usage } from '../../vm/limits.ts';
import { planOf } from '../../catalog/plan-of.ts';
import type { AccessDependencies } from '../../vm/commands/vm-access.ts';
import { listAccesses } from '../../vm/access/access-store.ts';
import type { ListedAccess } from '../../vm/access/vm-access.ts';
import { listSecrets, revealSecrets, type VmSecret, type VmSecretName } from '../../secrets/secret-store.ts';
import { readUsage } from '../../vm/read-usage.ts';
import type { OrphanDesk } from '../../operator/orphan-desk.ts';
import type { RegionDrain } from '../../vm/restrictions/region-drain.ts';
import type { RegionDrains } from '../../vm/restrictions/region-drains.ts';
import type { Suspension } from '../../vm/restrictions/suspension.ts';
import type { ExecDependencies } from '../../vm/inside/vm-exec.ts';
import { listStats, type PastStats } from '../../vm/telemetry/stats-history.ts';
import type { VmTelemetry } from '../../vm/telemetry/vm-telemetry.ts';
import type { Plan } from '../../catalog/plan.ts';

/** What resolvers use; the same for every request. */
export interface Services extends AccessDependencies, ExecDependencies {
  readonly streams: Pick<EventStreams, 'subscribe'>;
  readonly bootProgress: Pick<BootProgress, 'find'>;
  readonly telemetry: Pick<VmTelemetry, 'logs' | 'stats'>;
  /** Whether the region's engine answers. */
  readonly isRegionAvailable: (code: string) => boolean;
  /** When what is said of the regions changed last, as far as this gateway has been asked. */
  readonly regionsChangedAt: () => Date;
  /** Why nothing new starts in the region; undefined if it is not drained. */
  readonly findDrain: (region: string) => RegionDrain | undefined;
  /** The drained regions, to be read again after a change. */
  readonly drains: Pick<RegionDrains, 'reread'>;
  readonly orphans: OrphanDesk;
  /** What is known about the region's engine, without a call to it. */
  readonly factsOf: (region: string) => EngineFacts;
}

/** Who sends a request, and over which connection. */
export interface Caller {
  /** Includes the client's address; see `clientAddress`. */
  readonly viewer: Actor;
  /** See `requestIdOf`; for a WebSocket, the id of its upgrade request. */
  readonly requestId: string;
  /** The REST route, which the log names instead of the operation. */
  readonly route?: string | undefined;
  /** The last event that a reconnecting client has seen, as the default of `vmEvents(after:)`. */
  readonly lastEventId?: string | undefined;
  /** Cut if its client reads too slowly. */
  readonly connection?: Cuttable;
}

/** The context of one request. */
export interface Context extends Services, Caller {
  readonly loaders: Loaders;
}

export function createContext(services: Services, caller: Caller): Context {
  return { ...services, ...caller, loaders: new Loaders(services, caller.viewer) };
}

interface AccountState {
  readonly plan: Plan;
  readonly usage: Usage;
  readonly suspension: Suspension | undefined;
}

/**
 * Batch within a request, without a cache: those of a subscription live for hours. Each loader is created on first use,
 * because thousands of subscriptions never use one.
 */
class Loaders {
  readonly #services: Services;
  readonly #viewer: Actor;
  #secrets: DataLoader<string, VmSecretName[]> | undefined;
  #events: DataLoader<{ vmId: string; page: PageRequest }, Page<VmEvent>> | undefined;
  #values: DataLoader<string, VmSecret[]> | undefined;
  #accesses: DataLoader<string, ListedAccess[]> | undefined;
  #stats: DataLoader<string, PastStats[]> | undefined;
  #account: DataLoader<true, AccountState> | undefined;

  constructor(services: Services, viewer: Actor) {
    this.#services = services;
    this.#viewer = viewer;
  }

  /** The names of the VM's secrets. */
  secrets(vmId: string): Promise<VmSecretName[]> {
    const { db } = this.#services;
    this.#secrets ??= loaderByVm((vmIds) => listSecrets(db, vmIds));
    return this.#secrets.load(vmId);
  }

  /** The VM's secrets with their values. Records the read in the audit. FORBIDDEN for a token that only reads. */
  async secretValues(vmId: string): Promise<VmSecret[]> {
    requireScope(this.#viewer, 'OPERATE');
    const { db, secretBox } = this.#services;
    this.#values ??= loaderByVm((vmIds) => revealSecrets(db, secretBox, this.#viewer, [...new Set(vmIds)]));
    return this.#values.load(vmId);
  }

  /** Who may open the VM. */
  accesses(vmId: string): Promise<ListedAccess[]> {
    const { db } = this.#services;
    this.#accesses ??= loaderByVm((vmIds) => listAccesses(db, vmIds));
    return this.#accesses.load(vmId);
  }

  /** What the VM has used in the last hour, oldest first. */
  stats(vmId: string): Promise<PastStats[]> {
    const { db } = this.#services;
    this.#stats ??= loaderByVm((vmIds) => listStats(db, vmIds));
    return this.#stats.load(vmId);
  }

  /** A page of the VM's events. */
  events(vmId: string, page: PageRequest): Promise<Page<VmEvent>> {
    const { db } = this.#services;
    this.#events ??= new DataLoader(
      async (wanted) => {
        const byPage = Map.groupBy(wanted, (each) => JSON.stringify(each.page));
        const lists = await Promise.all(
          [...byPage].map(async ([key, same]) => {
            const vmIds = same.map((each) => each.vmId);
            return [key, await listVmEvents(db, vmIds, same[0]?.page ?? page)] as const;
          }),
        );
        const found = new Map(lists);
        return wanted.map((each) => found.get(JSON.stringify(each.page))?.get(each.vmId) ?? NO_EVENTS);
      },
      { cache: false },
    );
    return this.#events.load({ vmId, page });
  }

  account(): Promise<AccountState> {
    const { db, catalog } = this.#services;
    const { userId, plan } = this.#viewer;
    this.#account ??= new DataLoader(
      async (keys) => {
        const usage = await readUsage(db, userId);
        const { operatorPlan, suspension } = usage;
        const own = planOf(catalog, { byOperator: operatorPlan, byToken: plan, own: usage.plan });
        return keys.map(() => ({ plan: own, usage, suspension }));
      },
      { cache: false },
    );
    return this.#account.load(true);
  }
}

const NO_EVENTS: Page<VmEvent> = { items: [], hasMore: false };

function loaderByVm<T extends { readonly vmId: string }>(
  read: (vmIds: readonly string[]) => Promise<T[]>,
): DataLoader<string, T[]> {
  return new DataLoader(
    async (vmIds) => {
      const byVm = Map.groupBy(await read(vmIds), ({ vmId }) => vmId);
      return vmIds.map((each) => byVm.get(each) ?? []);
    },
    { cache: false },
  );
}
