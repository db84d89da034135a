import type { Observation } from '../../engine/machine.ts';

/**
 * Whether another running machine of the node has the same address. An engine that was killed may assign an address twice, and
 * packets then arrive at either machine.
 */
export function sharesAddress(
  machines: readonly Observation[],
  { id, address, node }: Pick<Observation, 'id' | 'address' | 'node'>,
): boolean {
  return (
    address !== undefined &&
    machines.some(
      (other) => other.id !== id && other.state === 'running' && other.address === address && other.node === node,
    )
  );
}
