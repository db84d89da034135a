import { statusOf } from './engine-failure.ts';

/** Someone else changed what we had just looked at: look again. */
export class Overtaken extends Error {}

/** True when the engine refused because the network that it was told is gone. */
export function isNetworkMissing(error: unknown): boolean {
  return statusOf(error) === 404 && error instanceof Error && /network \S+ not found/i.test(error.message);
}

/** True when the engine refused because the container is gone, or going. */
export function isContainerMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (statusOf(error) === 409) return /marked for removal|being removed/i.test(error.message);
  return statusOf(error) === 404 && /no such container/i.test(error.message);
}
