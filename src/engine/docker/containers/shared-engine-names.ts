import type { MachineSpec } from '../../machine.ts';

/** Names that all installations on an engine share: networks, firewall chains, and the watchdog for the chains. */
export interface SharedEngineNames {
  /** Networks by egress. Each name is also that of the host's bridge. */
  readonly networks: Readonly<Record<MachineSpec['egress'], string>>;
  /** An iptables pattern that matches only these bridges. */
  readonly bridges: string;
  /** The watchdog's container. */
  readonly watchdog: string;
  readonly chains: { readonly forward: string; readonly input: string; readonly deny: string };
}

/** `prefix`: at most 7 characters, because bridge names are limited to 15. Tests use their own prefix. */
export function toSharedEngineNames(prefix: string): SharedEngineNames {
  const upper = prefix.toUpperCase();
  return {
    networks: { internet: `${prefix}-vms`, none: `${prefix}-offline` },
    bridges: `${prefix}-+`,
    watchdog: `${prefix}-guard`,
    chains: { forward: `${upper}-FORWARD`, input: `${upper}-INPUT`, deny: `${upper}-DENY` },
  };
}

export const SHARED_ENGINE_NAMES = toSharedEngineNames('swiftor');

/** True if the network is one of the machines' networks. */
export function isMachineNetwork(name: string | undefined): boolean {
  return name !== undefined && Object.values(SHARED_ENGINE_NAMES.networks).includes(name);
}
