/**
 * `offer-desktop.ts PID`: beside a gateway that starts on a machine without a registry, builds the image that its first
 * desktop needs, and ends with the gateway, whose process PID is. Whatever goes wrong here, the gateway serves.
 */
import { PrepareFailure, say, speakAs } from '../../scripts/prepare/report.js';
import { pidExists } from '../../src/lib/process/process-identity.js';
import { openEngine } from '../engine.ts';
import { sayToolFailure } from '../say-failure.ts';
import { buildAll } from './build/build-all.ts';
import { DESKTOP, desktopRecipes, rememberRegistry } from './desktop-offer.ts';
import { isInRegistry } from './registry.ts';
import { untilStopped } from './until-stopped.ts';

const LOOK_MS = 1_000;

async function main(gatewayPid: number): Promise<void> {
  if (await isDesktopInRegistry()) return rememberRegistry();
  say(`No registry gives ${DESKTOP.registryRef}: the desktop image is made here of Debian's packages.`);
  say(
    'The gateway serves meanwhile. A Debian VM with XFCE that is started now shows how far the image is, and ' +
      'then boots.',
  );
  await buildAll(desktopRecipes(), { signal: AbortSignal.any([untilStopped(), untilGone(gatewayPid)]) });
}

async function isDesktopInRegistry(): Promise<boolean> {
  using engine = openEngine();
  return isInRegistry(engine, DESKTOP.registryRef).catch(() => false);
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
