import { Readable } from 'node:stream';
import { RECIPE_LABEL, callEngine, readLines } from './engine-call.js';
import { atThisPace } from './durations.js';
import { fetchNpm } from './fetch-npm.js';
import { BuildProgress } from './build-progress.js';
import { digestOf, readContext } from './build-context.js';
import { packTar } from './tar.js';
import { PrepareFailure, showProgress } from '../prepare/report.js';

const SILENCE_MS = 300_000;
const DEADLINE_MS = 45 * 60_000;
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * Builds a recipe's image upon `base`, with progress; `place` says which of how many it is, `report` is kept up to date. Rejects with a
 * PrepareFailure that shows the last lines.
 */
export async function buildImage(recipe, { base, fresh = false, place = '', signal, report }) {
  const context = [...readContext(recipe), ...(await fetchNpm(recipe))];
  const progress = new BuildProgress(recipe.seconds);
  const started = Date.now();
  const secondsLeft = () => {
    return atThisPace(progress.secondsLeft, { done: progress.secondsDone, elapsed: (Date.now() - started) / 1000 });
  };
  const done = showProgress(`${place}${recipe.name}`, () => `${progress.percent} %, ${progress.doing}, about ${secondsLeft()} s left`);
  const problem = await build(recipe, { base, fresh, context, signal }, (value) => {
    progress.add(value);
    report.percent = progress.percent;
    report.secondsLeft = secondsLeft();
  });
  if (problem === undefined) return done(`${recipe.imageRef} is built`);
  done('failed');
  throw new PrepareFailure(`The image ${recipe.name} could not be built: ${problem}\n${progress.tail}`);
}

/** What went wrong; undefined when nothing did. */
async function build(recipe, { base, fresh, context, signal }, onValue) {
  const response = await callEngine({
    method: 'POST',
    path: `/build?${buildQuery(recipe, { base, fresh })}`,
    body: Readable.from(packTar(context)),
    headers: { 'content-type': 'application/x-tar' },
    silenceMs: SILENCE_MS,
    signal: AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), ...(signal ? [signal] : [])]),
  });
  let hasImage = false;
  for await (const value of readLines(response)) {
    onValue(value);
    if (value.error ?? value.message) return value.error ?? value.message;
    hasImage ||= value.aux?.ID !== undefined;
  }
  return hasImage ? undefined : 'the engine ended without an image';
}

function buildQuery(recipe, { base, fresh }) {
  const proxies = Object.fromEntries(PROXIES.filter((name) => process.env[name]).map((name) => [name, process.env[name]]));
  return new URLSearchParams({
    t: recipe.imageRef,
    rm: '1',
    forcerm: '1',
    ...(fresh && { nocache: '1' }),
    buildargs: JSON.stringify({ ...proxies, BASE: base, ...recipe.args }),
    labels: JSON.stringify({ [RECIPE_LABEL]: digestOf(recipe) }),
  });
}
