import type { Distribution } from '../../catalog/distribution.ts';

/** Whether a container of this catalog entry wrote more than it may outside its lasting volumes. */
export function isPastScratch(distribution: Distribution | undefined, scratchBytes: number): boolean {
  return distribution !== undefined && scratchBytes > distribution.scratchGb * 2 ** 30;
}
