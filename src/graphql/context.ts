import DataLoader from 'dataloader';
import type { Viewer } from '../auth/viewer.ts';
import type { EventStreams } from '../events/event-streams.ts';
import type { ProgressBoard } from '../events/progress-board.ts';
import type { Usage } from '../vm/limits.ts';
import type { PublicAddress } from '../vm/mapping.ts';
import { planOf } from '../vm/vm-command.ts';
import type { VmDependencies } from '../vm/vm-command.ts';
import { readSecrets, type VmSecret } from '../vm/vm-secrets.ts';
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

/** One request's context. Loaders batch within it and remember nothing: in a subscription it lives for hours. */
export interface Context extends Services {
  readonly viewer: Viewer;
  /** Of a client that reconnects: stands in for `vmEvents(after:)`. */
  readonly lastEventId?: string | undefined;
  /** Ends the connection of a reader that has fallen too far behind. */
  readonly closeSlowReader?: () => void;
  readonly loadSecrets: (vmId: string) => Promise<VmSecret[]>;
  readonly loadAccount: () => Promise<{ plan: Plan; usage: Usage }>;
}

export function createContext(services: Services, viewer: Viewer): Context {
  const { db, box, catalog } = services;
  const secrets = new DataLoader<string, VmSecret[]>(
    async (vmIds) => {
      const byVm = Map.groupBy(await readSecrets(db, box, vmIds), (secret) => secret.vmId);
      return vmIds.map((vmId) => byVm.get(vmId) ?? []);
    },
    { cache: false },
  );
  const account = new DataLoader<true, { plan: Plan; usage: Usage }>(
    async (asked) => {
      const [code, usage] = await Promise.all([viewer.plan ?? findAccountPlan(db, viewer.userId), readUsage(db, viewer.userId)]);
      return asked.map(() => ({ plan: planOf(catalog, code), usage }));
    },
    { cache: false },
  );
  return {
    ...services,
    viewer,
    loadSecrets: (vmId) => secrets.load(vmId),
    loadAccount: () => account.load(true),
  };
}
