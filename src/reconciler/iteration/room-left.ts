import type { Duty, Room } from './vm-lease.ts';

/** Most of a boot is waiting for the engine and for the app, so many fit on one process; a look is hardly more. */
export const MAX_VMS: Room = { work: 64, look: 256 };

/**
 * How many VMs a gateway may still claim beside those that it holds. Looks may have become more work than there is room
 * for.
 */
export function roomLeft(held: readonly Duty[]): Room {
  const left = (duty: Duty): number => Math.max(0, MAX_VMS[duty] - held.filter((each) => each === duty).length);
  return { work: left('work'), look: left('look') };
}
