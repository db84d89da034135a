import type Docker from 'dockerode';
import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import type { EnsureProgress } from '../../driver.ts';
import type { MachineImage, MachineSpec } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { digestIn, isLocalReference } from '../../image-reference.ts';
import type { FindLocalBuild } from '../../local-builds.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { askRegistry } from './ask-registry.ts';
import { findImage } from './find-image.ts';
import type { FindCredentials } from './registry-credentials.ts';
import type { SharedPulls } from './shared-pulls.ts';

/** How long an unreachable registry is not asked again about an image. */
const UNREACHED_MILLISECONDS = 5 * 60_000;
const BUILD_POLL_MILLISECONDS = 1_000;

export interface ImageTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly pulls: SharedPulls;
  /** When the registry of each image was last unreachable, by performance.now(). */
  readonly unreached: Map<string, number>;
  readonly findLocalBuild: FindLocalBuild;
  readonly findCredentials: FindCredentials;
}

type ImageChoice = Pick<MachineSpec, 'imageRef' | 'localImageRef'>;
type Report = (progress: EnsureProgress) => void;

/** The engine's image for the reference; undefined if there is none. */
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
 * Brings the image to the engine: pulls it from its registry or, if that cannot be reached, uses the stand-in that was
 * built on the engine, after waiting for a running build. Rejects with an EngineError that says what the operator can
 * do.
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
      `Image "${imageRef}" is a local one and has not been built on this engine yet. ${wayOut(imageRef)}`,
    );
  }
  const isOutOfReach = localImageRef !== undefined && !(await ask(tools, imageRef, signal)).isReached;
  const builtBefore = isOutOfReach ? await awaitBuilt(tools, localImageRef, signal, onProgress, imageRef) : undefined;
  if (builtBefore !== undefined) return builtBefore;
  try {
    await tools.pulls.pull(imageRef, signal, onProgress);
  } catch (error) {
    // A failure of the engine says nothing about the registry.
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
 * Brings the latest image of the reference to the engine: pulls it if its registry has another one. Keeps the engine's
 * image if the registry does not report a digest or the pull fails. Without an image, does what `pullOrAwaitBuild`
 * does.
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
  // It is in no registry: it was built or loaded on the engine.
  if (present.digest === undefined || isLocalReference(imageRef)) return present;
  const { digest } = await ask(tools, imageRef, signal);
  if (digest === undefined || digest === present.digest) return present;
  try {
    await tools.pulls.pull(imageRef, signal, onProgress);
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

/** Caches that a registry is unreachable for some minutes. Answers are not cached. */
async function ask(tools: ImageTools, imageRef: string, signal: AbortSignal): ReturnType<typeof askRegistry> {
  const { unreached } = tools;
  if (performance.now() - (unreached.get(imageRef) ?? Number.NEGATIVE_INFINITY) < UNREACHED_MILLISECONDS)
    return { isReached: false };
  const answer = await askRegistry(tools, imageRef, signal);
  if (!answer.isReached) unreached.set(imageRef, performance.now());
  return answer;
}

/** The image, after waiting for a running build; undefined if there is neither. */
async function awaitBuilt(
  tools: ImageTools,
  imageRef: string,
  signal: AbortSignal,
  onProgress: Report,
  standInFor?: string,
): Promise<MachineImage | undefined> {
  for (;;) {
    // In this order: a build that ends in between leaves its image.
    const build = await tools.findLocalBuild(imageRef);
    const built = await findPresentImage(tools, imageRef, signal, standInFor);
    if (built !== undefined || build === undefined) return built;
    onProgress({ phase: 'building', imageRef, ...build });
    await pauseFor(BUILD_POLL_MILLISECONDS, signal);
  }
}
