import type { MachineSpec } from '../../machine.ts';

/** The names of what all installations on an engine share: networks, firewall chains, and the guard that keeps those up. */
export interface SharedEngineNames {
  /** Networks by what their machines may reach; each name is that of the host's bridge too. */
  readonly networks: Readonly<Record<MachineSpec['egress'], string>>;
  /** A pattern of iptables that fits the bridges, and nothing else on the host. */
  readonly bridges: string;
  /** The guard's container. */
  readonly guard: string;
  readonly chains: { readonly forward: string; readonly input: string; readonly deny: string };
}

/** `prefix` has at most 7 characters: a bridge's name ends at 15. Tests use another than the product's, so that they can do harm. */
export function toSharedEngineNames(prefix: string): SharedEngineNames {
  const upper = prefix.toUpperCase();
  return {
    networks: { internet: `${prefix}-vms`, none: `${prefix}-offline` },
    bridges: `${prefix}-+`,
    guard: `${prefix}-guard`,
    chains: { forward: `${upper}-FORWARD`, input: `${upper}-INPUT`, deny: `${upper}-DENY` },
  };
}

export const SHARED_ENGINE_NAMES = toSharedEngineNames('swiftor');

/** Whether a network is one that machines are on. */
export function isMachineNetwork(name: string | undefined): boolean {
  return name !== undefined && Object.values(SHARED_ENGINE_NAMES.networks).includes(name);
}
