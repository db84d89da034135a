import DataLoader from 'dataloader';
import type { Actor, Viewer } from '../auth/viewer.ts';
import type { EventStreams } from '../events/event-streams.ts';
import type { ProgressBoard } from '../events/progress-board.ts';
import type { Usage } from '../vm/limits.ts';
import type { PublicAddress } from '../vm/mapping.ts';
import { planOf } from '../vm/vm-command.ts';
import type { VmDependencies } from '../vm/vm-command.ts';
import { listSecrets, revealSecrets, type VmSecret, type VmSecretName } from '../vm/vm-secrets.ts';
import { findAccountPlan, readUsage } from '../vm/vm-store.ts';
import type { VmTelemetry } from '../vm/vm-telemetry.ts';
import type { Plan } from '../catalog/plan.ts';

/** What the resolvers work with; the same for every request. */
export interface Services extends VmDependencies {
  readonly address: PublicAddress;
  readonly streams: EventStreams;
  readonly board: ProgressBoard;
  readonly telemetry: VmTelemetry;
  /** Whether the region's engine answers. */
  readonly isRegionAvailable: (code: string) => boolean;
}

/** Who asks, and what their connection can do. */
export interface Asker {
  readonly viewer: Viewer;
  /** The address that the request comes from; see `clientAddress`. */
  readonly from: string;
  /** Of the last event that a reconnecting client has seen: stands in for `vmEvents(after:)`. */
  readonly lastEventId?: string | undefined;
  /** Ends the connection, with a reason where it can carry one. Called when its reader has fallen too far behind. */
  readonly closeSlowReader?: () => void;
}

/** One request's context. Loaders batch within it and remember nothing: in a subscription it lives for hours. */
export interface Context extends Services, Omit<Asker, 'viewer'> {
  readonly viewer: Actor;
  /** Their names. */
  readonly loadSecrets: (vmId: string) => Promise<VmSecretName[]>;
  /** Their values too, which the audit tells of. */
  readonly revealSecrets: (vmId: string) => Promise<VmSecret[]>;
  readonly loadAccount: () => Promise<{ plan: Plan; usage: Usage }>;
}

export function createContext(services: Services, asker: Asker): Context {
  const { db, box, catalog } = services;
  const viewer: Actor = { ...asker.viewer, from: asker.from };
  // Made when they are first needed: most subscriptions never do, and there are thousands of them.
  let secrets: DataLoader<string, VmSecretName[]> | undefined;
  let values: DataLoader<string, VmSecret[]> | undefined;
  let account: DataLoader<true, { plan: Plan; usage: Usage }> | undefined;
  return {
    ...services,
    ...asker,
    viewer,
    loadSecrets(vmId) {
      secrets ??= loaderByVm((vmIds) => listSecrets(db, vmIds));
      return secrets.load(vmId);
    },
    revealSecrets(vmId) {
      values ??= loaderByVm((vmIds) => revealSecrets(db, box, viewer, [...new Set(vmIds)]));
      return values.load(vmId);
    },
    loadAccount() {
      account ??= new DataLoader(
        async (asked) => {
          const [code, usage] = await Promise.all([viewer.plan ?? findAccountPlan(db, viewer.userId), readUsage(db, viewer.userId)]);
          return asked.map(() => ({ plan: planOf(catalog, code), usage }));
        },
        { cache: false },
      );
      return account.load(true);
    },
  };
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
