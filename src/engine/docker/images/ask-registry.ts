import type Docker from 'dockerode';
import { DeadlineError, withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import { engineMessage } from '../connection/engine-failure.ts';
import type { FindCredentials } from './registry-credentials.ts';
import { toPullFailure } from './pull-failure.ts';

const LIMIT_MILLISECONDS = 3_000;

export interface RegistryAnswer {
  /** Whether the registry answers the engine, even with an error. */
  readonly isReached: boolean;
  /** The current digest of the reference, 'sha256:…'; undefined if the registry does not report it. */
  readonly digest?: string;
}

/**
 * Resolves the reference at its registry, through the engine. A pull would take up to 20 s to find out that the
 * registry cannot be reached. The engine's request cannot be cancelled; after the deadline it ends on its own.
 */
export async function askRegistry(
  { docker, findCredentials }: { readonly docker: Docker; readonly findCredentials?: FindCredentials },
  imageRef: string,
  signal: AbortSignal,
): Promise<RegistryAnswer> {
  // A file that is wrong is told of by the pull.
  const authconfig = await findCredentials?.(imageRef).catch(() => undefined);
  try {
    const { Descriptor } = await withDeadline(LIMIT_MILLISECONDS, signal, () =>
      docker.getImage(imageRef).distribution(authconfig === undefined ? {} : { authconfig }),
    );
    return { isReached: true, ...(typeof Descriptor?.digest === 'string' && { digest: Descriptor.digest }) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeadlineError || !(error instanceof Error)) return { isReached: false };
    return { isReached: toPullFailure(imageRef, engineMessage(error)).code !== 'PULL_FAILED' };
  }
}
