import type { Inventory } from '../../engine/driver.ts';
import type { Observation } from '../../engine/machine.ts';

/**
 * Whether another running machine has the address of this one. An engine that was killed may give an address twice: then nothing that is
 * sent there is sure to arrive at either.
 */
export function sharesAddress({ machines }: Inventory, { id, address }: Pick<Observation, 'id' | 'address'>): boolean {
  return address !== undefined && machines.some((other) => other.id !== id && other.state === 'running' && other.address === address);
}
