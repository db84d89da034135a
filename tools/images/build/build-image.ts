import type { Recipe } from '../../../images/recipes.ts';
import { PrepareFailure, showProgress } from '../../../scripts/prepare/report.js';
import type { ToolEngine } from '../../engine.ts';
import { digestOf, readContext, type ContextFile } from '../context/build-context.ts';
import { BuildProgress, type EngineLine } from './build-progress.ts';
import type { BuildReport } from './build-report.ts';
import { atThisPace } from './durations.ts';
import { fetchNpm } from '../context/fetch-npm.ts';
import { RECIPE_LABEL } from '../image-state.ts';
import { packContext } from '../context/pack-context.ts';
import { readEngineLines } from './read-engine-lines.ts';

const SILENCE_MS = 300_000;
const DEADLINE_MS = 45 * 60_000;
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

interface BuildOptions {
  /** The image that it is built on. */
  readonly base: string;
  readonly fresh: boolean;
  /** Which of how many it is. */
  readonly place: string;
  readonly signal: AbortSignal;
  /** Is kept up to date. */
  readonly report: BuildReport;
}

/**
 * Builds a recipe's image, with progress. Rejects with a PrepareFailure that shows the last lines, or with the signal's
 * reason.
 */
export async function buildImage(engine: ToolEngine, recipe: Recipe, options: BuildOptions): Promise<void> {
  const { place, signal, report } = options;
  const files = [...readContext(recipe), ...(await fetchNpm(recipe))];
  const progress = new BuildProgress(recipe.seconds);
  const started = Date.now();
  const secondsLeft = () =>
    atThisPace(progress.secondsLeft, { done: progress.secondsDone, elapsed: (Date.now() - started) / 1000 });
  const done = showProgress(
    `${place}${recipe.name}`,
    () => `${progress.percent} %, ${progress.doing}, about ${secondsLeft()} s left`,
  );
  const onLine = (line: EngineLine) => {
    progress.add(line);
    report.state = { percent: progress.percent, secondsLeft: secondsLeft() };
  };
  try {
    await build(engine, recipe, options, files, onLine);
  } catch (error) {
    done('failed');
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new PrepareFailure(`The image ${recipe.name} could not be built: ${reason}\n${progress.tail}`);
  }
  done(`${recipe.imageRef} is built`);
}

async function build(
  { docker, call }: ToolEngine,
  recipe: Recipe,
  { base, fresh, signal }: BuildOptions,
  files: readonly ContextFile[],
  onLine: (line: EngineLine) => void,
): Promise<void> {
  const proxies = Object.fromEntries(PROXIES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const options = {
    t: recipe.imageRef,
    rm: true,
    forcerm: true,
    nocache: fresh,
    buildargs: { ...proxies, BASE: base, ...recipe.args },
    labels: { [RECIPE_LABEL]: digestOf(recipe) },
  };
  const unreadable = new AbortController();
  const context = packContext(files).on('error', (error) => unreadable.abort(error));
  let hasImage = false;
  const answer = {
    what: `build the image "${recipe.imageRef}"`,
    call,
    milliseconds: DEADLINE_MS,
    silenceMilliseconds: SILENCE_MS,
    open: (abortSignal: AbortSignal) => docker.buildImage(context, { ...options, abortSignal }),
    onLine: (line: EngineLine) => {
      onLine(line);
      if (line.error !== undefined) throw new PrepareFailure(line.error);
      hasImage ||= line.aux?.ID !== undefined;
    },
  };
  try {
    await readEngineLines(answer, AbortSignal.any([signal, unreadable.signal]));
  } finally {
    context.destroy();
  }
  if (!hasImage) throw new PrepareFailure('the engine ended without an image');
}
