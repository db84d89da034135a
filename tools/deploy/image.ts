/** Builds the gateway's own image: `npm run image`, or only its context: `npm run image -- --context FOLDER`. */
import { copyFileSync, chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { oneAtATime } from '../../scripts/prepare/one-at-a-time.js';
import { PrepareFailure, say, speakAs } from '../../scripts/prepare/report.js';
import { openEngine } from '../engine.ts';
import { ensureBase } from '../images/build/base-image.ts';
import { readContext } from '../images/context/build-context.ts';
import { buildImage } from '../images/build/build-image.ts';
import { BuildReport } from '../images/build/build-report.ts';
import { fetchNpm } from '../images/context/fetch-npm.ts';
import { stateOf } from '../images/image-state.ts';
import { untilStopped } from '../images/until-stopped.ts';
import { sayToolFailure } from '../say-failure.ts';
import { GATEWAY_RECIPE } from './gateway-recipe.ts';
import { stageGateway } from './stage-gateway.ts';

async function writeContext(folder: string): Promise<void> {
  const files = [...readContext(GATEWAY_RECIPE), ...(await fetchNpm(GATEWAY_RECIPE))];
  for (const { path: name, mode, file } of files) {
    const target = path.join(folder, name);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(file, target);
    chmodSync(target, mode);
  }
  say(`${folder} has the context: docker build --tag ${GATEWAY_RECIPE.imageRef} ${folder}`);
}

async function build(): Promise<void> {
  using engine = openEngine();
  if ((await stateOf(engine, GATEWAY_RECIPE)) === 'built') return say(`${GATEWAY_RECIPE.imageRef} is there`);
  const signal = untilStopped();
  const base = await ensureBase(engine, signal);
  const report = new BuildReport(GATEWAY_RECIPE.imageRef, GATEWAY_RECIPE.seconds[0] ?? 1);
  try {
    await buildImage(engine, GATEWAY_RECIPE, { base, fresh: false, place: '', signal, report });
  } finally {
    report.close();
  }
}

speakAs('image');
try {
  const { values } = parseArgs({ options: { context: { type: 'string' } } });
  const { context } = values;
  if (context === '') throw new PrepareFailure('--context needs a folder.');
  await oneAtATime(async () => {
    await stageGateway();
    await (context === undefined ? build() : writeContext(context));
  }, 'images');
} catch (error) {
  sayToolFailure(error);
  process.exitCode = 1;
}
