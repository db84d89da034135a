/**
 * `offer-desktop.ts PID`: beside a gateway that starts on a machine without a registry, builds the image that its first
 * desktop needs, if it is not there. It ends with the gateway, whose process PID is. Whatever goes wrong here, the
 * gateway serves.
 */
import { PrepareFailure, say, speakAs } from '../../scripts/prepare/report.js';
import { pidExists } from '../../src/lib/process/process-identity.js';
import { openEngine } from '../engine.ts';
import { sayToolFailure } from '../say-failure.ts';
import { buildAll } from './build/build-all.ts';
import { DESKTOP, rememberRegistry } from './desktop-offer.ts';
import { desktopRecipes, stateOfDesktop } from './desktop-state.ts';
import { isInRegistry } from './registry.ts';
import { untilStopped } from './until-stopped.ts';

const LOOK_MS = 1_000;

async function main(gatewayPid: number): Promise<void> {
  const found = await findDesktop();
  if (found === 'in registry') return rememberRegistry();
  if (found === 'there') return;
  say(`No registry gives ${DESKTOP.registryRef}: the desktop image is made here of Debian's packages.`);
  say(
    'The gateway serves meanwhile. A Debian VM with XFCE that is started now shows how far the image is, and ' +
      'then boots.',
  );
  await buildAll(desktopRecipes(), { signal: AbortSignal.any([untilStopped(), untilGone(gatewayPid)]) });
}

async function findDesktop(): Promise<'there' | 'in registry' | 'nowhere'> {
  using engine = openEngine();
  const state = await stateOfDesktop(engine);
  if (state !== 'missing' && state !== 'outdated') return 'there';
  return (await isInRegistry(engine, DESKTOP.registryRef).catch(() => false)) ? 'in registry' : 'nowhere';
}

function untilGone(pid: number): AbortSignal {
  const abort = new AbortController();
  const look = () => {
    if (!pidExists(pid)) abort.abort(new PrepareFailure('stopped with the gateway'));
  };
  setInterval(look, LOOK_MS).unref();
  return abort.signal;
}

speakAs('images', { plain: true });
try {
  await main(Number(process.argv[2]));
} catch (error) {
  sayToolFailure(error);
  say(`The gateway goes on without ${DESKTOP.imageRef}; "npm run images -- ${DESKTOP.name}" tries again.`);
}
