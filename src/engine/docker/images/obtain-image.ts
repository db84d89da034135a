import type Docker from 'dockerode';
import { pauseFor } from '../../../lib/pause-for.ts';
import type { EnsureProgress } from '../../driver.ts';
import type { MachineSpec } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import type { FindLocalBuild } from '../../local-builds.ts';
import type { EngineCall } from '../engine-call.ts';
import { hasImage } from './has-image.ts';
import { isRegistryReached } from './is-registry-reached.ts';
import type { SharedPulls } from './shared-pulls.ts';

/** As long, a registry is not asked again about an image that has a stand-in. */
const UNREACHED_MILLISECONDS = 5 * 60_000;
const LOOK_MILLISECONDS = 1_000;

export interface ObtainTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly pulls: SharedPulls;
  /** When each image's registry was last found out of reach, by the monotonic clock in ms. */
  readonly unreached: Map<string, number>;
  readonly findLocalBuild: FindLocalBuild;
}

/**
 * Gets the engine the image, and answers which: the spec's own, from its registry; or, where that cannot be reached, the stand-in
 * that was built here, or is being built, for which it waits. Rejects with an EngineError that says what the operator can do.
 */
export async function obtainImage(
  tools: ObtainTools,
  { imageRef, localImageRef }: Pick<MachineSpec, 'imageRef' | 'localImageRef'>,
  signal: AbortSignal,
  onProgress: (progress: EnsureProgress) => void,
): Promise<string> {
  if (imageRef.startsWith('local/')) {
    if (await awaitBuilt(tools, imageRef, signal, onProgress)) return imageRef;
    throw new EngineError(
      'IMAGE_NOT_FOUND',
      `Image "${imageRef}" is a local one, and was not built on this engine yet. ${wayOut(imageRef)}`,
    );
  }
  const isOutOfReach = localImageRef !== undefined && !(await isReached(tools, imageRef, signal));
  if (isOutOfReach && (await awaitBuilt(tools, localImageRef, signal, onProgress))) return localImageRef;
  try {
    await tools.pulls.ask(imageRef, signal, onProgress);
    return imageRef;
  } catch (error) {
    if (!(error instanceof EngineError) || (error.code !== 'PULL_FAILED' && error.code !== 'PULL_STALLED')) throw error;
    if (localImageRef === undefined) throw new EngineError(error.code, `${error.message} ${NO_RECIPE}`, { cause: error });
    tools.unreached.set(imageRef, performance.now());
    if (await awaitBuilt(tools, localImageRef, signal, onProgress)) return localImageRef;
    const message = `${error.message} Its stand-in "${localImageRef}" is not built on this engine. ${wayOut(localImageRef)}`;
    throw new EngineError(error.code, message, { cause: error });
  }
}

const NO_RECIPE = 'There is no recipe that builds it without a registry.';

function wayOut(localImageRef: string): string {
  return `The operator can build it: npm run images -- ${localImageRef}`;
}

/** Remembers a no for some minutes. A yes costs one question. */
async function isReached(tools: ObtainTools, imageRef: string, signal: AbortSignal): Promise<boolean> {
  const { unreached } = tools;
  if (performance.now() - (unreached.get(imageRef) ?? Number.NEGATIVE_INFINITY) < UNREACHED_MILLISECONDS) return false;
  if (await isRegistryReached(tools.docker, imageRef, signal)) return true;
  unreached.set(imageRef, performance.now());
  return false;
}

/** True when the engine has the image, if need be after the build that is under way. */
async function awaitBuilt(
  tools: ObtainTools,
  imageRef: string,
  signal: AbortSignal,
  onProgress: (progress: EnsureProgress) => void,
): Promise<boolean> {
  for (;;) {
    // Asked in this order: a build that has ended in between has left its image.
    const build = await tools.findLocalBuild(imageRef);
    if (await hasImage(tools, imageRef, signal)) return true;
    if (build === undefined) return false;
    onProgress({ phase: 'building', imageRef, ...build });
    await pauseFor(LOOK_MILLISECONDS, signal);
  }
}
