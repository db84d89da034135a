import type { EnsureProgress } from '../../driver.ts';
import type { MachineImage } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { isLocalReference, referenceByDigest } from '../../image-reference.ts';
import { findImage } from './find-image.ts';
import type { ImageTools } from './pull-or-await-build.ts';

const WAY_OUT = 'Restart the VM to take the image that the catalog names now.';

/**
 * Pulls the image that a machine keeps by its digest, because the engine has lost it. Rejects with an EngineError if
 * that fails or the image is in no registry. Never uses another image instead.
 */
export async function recoverImage(
  tools: ImageTools,
  kept: MachineImage,
  signal: AbortSignal,
  onProgress: (progress: EnsureProgress) => void,
): Promise<MachineImage> {
  const { reference, digest, standInFor, id } = kept;
  const what = `The image that this VM runs, "${reference}" (${digest ?? id}), is not on its engine any more`;
  if (digest === undefined || standInFor !== undefined || isLocalReference(reference))
    throw new EngineError('IMAGE_NOT_FOUND', `${what}, and is in no registry. ${WAY_OUT}`);
  const byDigest = referenceByDigest(reference, digest);
  try {
    await tools.pulls.pull(byDigest, signal, onProgress);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { code, message, isRefusal } = error;
    throw new EngineError(code, `${what}, and cannot be pulled again: ${message} ${WAY_OUT}`, {
      cause: error,
      isRefusal,
    });
  }
  // The id can differ for the same digest, because the engine's image store has changed.
  const found = await findImage(tools, byDigest, signal);
  return { ...kept, id: found?.id ?? id };
}
