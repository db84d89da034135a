import DataLoader from 'dataloader';
import type { Actor } from '../../audit/viewer.ts';
import type { Cuttable } from '../../events/event-reader.ts';
import type { EventStreams } from '../../events/event-streams.ts';
import type { BootProgress } from '../../events/boot-progress.ts';
import type { EngineFacts } from '../../vm/engine-facts.ts';
import type { Usage } from '../../vm/limits.ts';
import type { PublicAddress } from '../../vm/networking/mapping.ts';
import { planOf } from '../../vm/commands/vm-command.ts';
import type { VmDependencies } from '../../vm/commands/vm-command.ts';
import { listSecrets, revealSecrets, type VmSecret, type VmSecretName } from '../../secrets/secret-store.ts';
import { readUsage } from '../../vm/vm-store.ts';
import type { VmTelemetry } from '../../vm/vm-telemetry.ts';
import type { Plan } from '../../catalog/plan.ts';

/** What the resolvers work with; the same for every request. */
export interface Services extends VmDependencies {
  readonly address: PublicAddress;
  readonly streams: Pick<EventStreams, 'subscribe'>;
  readonly bootProgress: Pick<BootProgress, 'find'>;
  readonly telemetry: VmTelemetry;
  /** Whether the region's engine answers. */
  readonly isRegionAvailable: (code: string) => boolean;
  /** What is known of the region's engine without asking it. */
  readonly factsOf: (region: string) => EngineFacts;
}

/** Who asks, and what their connection can do. */
export interface Caller {
  /** With the address that the request comes from; see `clientAddress`. */
  readonly viewer: Actor;
  /** See `requestIdOf`; of a WebSocket, that of the request that opened it. */
  readonly requestId: string;
  /** What is asked for, where that is not a GraphQL operation of its own name. */
  readonly route?: string | undefined;
  /** Of the last event that a reconnecting client has seen: stands in for `vmEvents(after:)`. */
  readonly lastEventId?: string | undefined;
  /** Cut when its reader has fallen too far behind. */
  readonly connection?: Cuttable;
}

/** One request's context. */
export interface Context extends Services, Caller {
  readonly loaders: Loaders;
}

export function createContext(services: Services, caller: Caller): Context {
  return { ...services, ...caller, loaders: new Loaders(services, caller.viewer) };
}

/**
 * They batch within a request and remember nothing: in a subscription they live for hours. Each is made when it is first needed, which
 * most subscriptions never do, and there are thousands of them.
 */
class Loaders {
  readonly #services: Services;
  readonly #viewer: Actor;
  #secrets: DataLoader<string, VmSecretName[]> | undefined;
  #values: DataLoader<string, VmSecret[]> | undefined;
  #account: DataLoader<true, { plan: Plan; usage: Usage }> | undefined;

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

  /** Its secrets with their values, which the audit tells of. */
  secretValues(vmId: string): Promise<VmSecret[]> {
    const { db, secretBox } = this.#services;
    this.#values ??= loaderByVm((vmIds) => revealSecrets(db, secretBox, this.#viewer, [...new Set(vmIds)]));
    return this.#values.load(vmId);
  }

  account(): Promise<{ plan: Plan; usage: Usage }> {
    const { db, catalog } = this.#services;
    const { userId, plan } = this.#viewer;
    this.#account ??= new DataLoader(
      async (asked) => {
        const usage = await readUsage(db, userId);
        return asked.map(() => ({ plan: planOf(catalog, plan, usage.plan), usage }));
      },
      { cache: false },
    );
    return this.#account.load(true);
  }
}

function loaderByVm<T extends { readonly vmId: string }>(read: (vmIds: readonly string[]) => Promise<T[]>): DataLoader<string, T[]> {
  return new DataLoader(
    async (vmIds) => {
      const byVm = Map.groupBy(await read(vmIds), ({ vmId }) => vmId);
      return vmIds.map((each) => byVm.get(each) ?? []);
    },
    { cache: false },
  );
}
