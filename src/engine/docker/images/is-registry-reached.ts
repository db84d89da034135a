import type Docker from 'dockerode';
import { DeadlineError, withDeadline } from '../../../lib/with-deadline.ts';
import { engineMessage } from '../engine-failure.ts';
import { toPullFailure } from './pull-failure.ts';

const LIMIT_MILLISECONDS = 3_000;

/**
 * Whether the image's registry answers the engine, whatever it says: a pull would take up to 20 s to find out. The question itself cannot
 * be broken off; the engine ends it in its own time.
 */
export async function isRegistryReached(docker: Docker, imageRef: string, signal: AbortSignal): Promise<boolean> {
  try {
    await withDeadline(LIMIT_MILLISECONDS, signal, () => docker.getImage(imageRef).distribution());
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeadlineError || !(error instanceof Error)) return false;
    return toPullFailure(imageRef, engineMessage(error)).code !== 'PULL_FAILED';
  }
}
