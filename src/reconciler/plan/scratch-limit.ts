import type { Distribution } from '../../catalog/distribution.ts';

/** Whether a container of this entry holds more of the engine's disk, outside its lasting volumes, than it may. */
export function isPastScratch(distribution: Distribution | undefined, scratchBytes: number): boolean {
  return distribution !== undefined && scratchBytes > distribution.scratchGb * 2 ** 30;
}
