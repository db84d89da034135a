import type Docker from 'dockerode';
import { DeadlineError, withDeadline } from '../../../lib/with-deadline.ts';
import { engineMessage } from '../connection/engine-failure.ts';
import { toPullFailure } from './pull-failure.ts';

const LIMIT_MILLISECONDS = 3_000;

export interface RegistryAnswer {
  /** Whether the registry answers the engine, whatever it says. */
  readonly isReached: boolean;
  /** Of the image that the reference stands for there now: 'sha256:…'; undefined when the registry does not say. */
  readonly digest?: string;
}

/**
 * Asks the image's registry, through the engine, for what the reference stands for: a pull would take up to 20 s to
 * find out that it is away. The question itself cannot be broken off; the engine ends it in its own time.
 */
export async function askRegistry(docker: Docker, imageRef: string, signal: AbortSignal): Promise<RegistryAnswer> {
  try {
    const { Descriptor } = await withDeadline(LIMIT_MILLISECONDS, signal, () =>
      docker.getImage(imageRef).distribution(),
    );
    return { isReached: true, ...(typeof Descriptor?.digest === 'string' && { digest: Descriptor.digest }) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeadlineError || !(error instanceof Error)) return { isReached: false };
    return { isReached: toPullFailure(imageRef, engineMessage(error)).code !== 'PULL_FAILED' };
  }
}
