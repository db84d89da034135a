import type Docker from 'dockerode';
import { pauseFor } from '../../../lib/pause-for.ts';
import type { EnsureProgress } from '../../driver.ts';
import type { MachineImage, MachineSpec } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { digestIn, isLocalReference } from '../../image-reference.ts';
import type { FindLocalBuild } from '../../local-builds.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { askRegistry } from './ask-registry.ts';
import { findImage } from './find-image.ts';
import type { SharedPulls } from './shared-pulls.ts';

/** As long, a registry is not asked again about an image that has a stand-in. */
const UNREACHED_MILLISECONDS = 5 * 60_000;
const LOOK_MILLISECONDS = 1_000;

export interface ImageTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly pulls: SharedPulls;
  /** When each image's registry was last found out of reach, by the monotonic clock in ms. */
  readonly unreached: Map<string, number>;
  readonly findLocalBuild: FindLocalBuild;
}

type ImageChoice = Pick<MachineSpec, 'imageRef' | 'localImageRef'>;
type Report = (progress: EnsureProgress) => void;

/** The image that the engine has under the spec's reference; undefined when it has none. */
export async function findPresentImage(
  tools: ImageTools,
  reference: string,
  signal: AbortSignal,
  standInFor?: string,
): Promise<MachineImage | undefined> {
  const found = await findImage(tools, reference, signal);
  if (found === undefined) return undefined;
  const digest = digestIn(found.repoDigests, reference);
  return {
    reference,
    id: found.id,
    ...(digest !== undefined && { digest }),
    ...(standInFor !== undefined && { standInFor }),
  };
}

/**
 * Gets the engine the image, and answers which: the spec's own, from its registry; or, where that cannot be reached,
 * the stand-in that was built here, or is being built, for which it waits. Rejects with an EngineError that says what
 * the operator can do.
 */
export async function pullOrAwaitBuild(
  tools: ImageTools,
  choice: ImageChoice,
  signal: AbortSignal,
  onProgress: Report,
): Promise<MachineImage> {
  const { imageRef, localImageRef } = choice;
  if (isLocalReference(imageRef)) {
    const built = await awaitBuilt(tools, imageRef, signal, onProgress);
    if (built !== undefined) return built;
    throw new EngineError(
      'IMAGE_NOT_FOUND',
      `Image "${imageRef}" is a local one, and was not built on this engine yet. ${wayOut(imageRef)}`,
    );
  }
  const isOutOfReach = localImageRef !== undefined && !(await ask(tools, imageRef, signal)).isReached;
  const builtBefore = isOutOfReach ? await awaitBuilt(tools, localImageRef, signal, onProgress, imageRef) : undefined;
  if (builtBefore !== undefined) return builtBefore;
  try {
    await tools.pulls.ask(imageRef, signal, onProgress);
  } catch (error) {
    // An engine that did not answer well has said nothing of the registry.
    if (!(error instanceof EngineError) || !error.isRefusal) throw error;
    if (error.code !== 'PULL_FAILED' && error.code !== 'PULL_STALLED') throw error;
    if (localImageRef === undefined)
      throw new EngineError(error.code, `${error.message} ${NO_RECIPE}`, { cause: error });
    tools.unreached.set(imageRef, performance.now());
    const built = await awaitBuilt(tools, localImageRef, signal, onProgress, imageRef);
    if (built !== undefined) return built;
    const message = `${error.message} Its stand-in "${localImageRef}" is not built on this engine. ${wayOut(localImageRef)}`;
    throw new EngineError(error.code, message, { cause: error });
  }
  const pulled = await findPresentImage(tools, imageRef, signal);
  if (pulled !== undefined) return pulled;
  throw new EngineError('PULL_FAILED', `Image "${imageRef}" was removed as soon as it was pulled.`);
}

/**
 * The present image of the spec's reference: pulled when its registry has another one than the engine. The engine's own
 * where the registry does not say, or the pull fails; without one, as `pullOrAwaitBuild`.
 */
export async function renewImage(
  tools: ImageTools,
  choice: ImageChoice,
  signal: AbortSignal,
  onProgress: Report,
): Promise<MachineImage> {
  const { imageRef } = choice;
  const present = await findPresentImage(tools, imageRef, signal);
  if (present === undefined) return pullOrAwaitBuild(tools, choice, signal, onProgress);
  // In no registry: made on the engine, or loaded there.
  if (present.digest === undefined || isLocalReference(imageRef)) return present;
  const { digest } = await ask(tools, imageRef, signal);
  if (digest === undefined || digest === present.digest) return present;
  try {
    await tools.pulls.ask(imageRef, signal, onProgress);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return present;
  }
  return (await findPresentImage(tools, imageRef, signal)) ?? present;
}

const NO_RECIPE = 'There is no recipe that builds it without a registry.';

function wayOut(localImageRef: string): string {
  return `The operator can build it: npm run images -- ${localImageRef}`;
}

/** Remembers a no for some minutes. A yes costs one question. */
async function ask(tools: ImageTools, imageRef: string, signal: AbortSignal): ReturnType<typeof askRegistry> {
  const { unreached } = tools;
  if (performance.now() - (unreached.get(imageRef) ?? Number.NEGATIVE_INFINITY) < UNREACHED_MILLISECONDS)
    return { isReached: false };
  const answer = await askRegistry(tools.docker, imageRef, signal);
  if (!answer.isReached) unreached.set(imageRef, performance.now());
  return answer;
}

/** The image once the engine has it, if need be after the build that is under way; undefined when there is neither. */
async function awaitBuilt(
  tools: ImageTools,
  imageRef: string,
  signal: AbortSignal,
  onProgress: Report,
  standInFor?: string,
): Promise<MachineImage | undefined> {
  for (;;) {
    // Asked in this order: a build that has ended in between has left its image.
    const build = await tools.findLocalBuild(imageRef);
    const built = await findPresentImage(tools, imageRef, signal, standInFor);
    if (built !== undefined || build === undefined) return built;
    onProgress({ phase: 'building', imageRef, ...build });
    await pauseFor(LOOK_MILLISECONDS, signal);
  }
}
