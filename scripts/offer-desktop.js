/**
 * `node scripts/offer-desktop.js PID`: beside a gateway that starts on a machine without a registry, builds the image that its first
 * desktop needs, and ends with the gateway, whose process PID is. Whatever goes wrong here, the gateway serves.
 */
import { RECIPES } from '../images/recipes.js';
import { buildAll } from './images/build-all.js';
import { DESKTOP, rememberRegistry } from './images/desktop-offer.js';
import { isInRegistry } from './images/registry.js';
import { untilStopped } from './images/until-stopped.js';
import { PrepareFailure, say, speakAs } from './prepare/report.js';

const LOOK_MS = 1_000;

async function main(gatewayPid) {
  if (await isInRegistry(DESKTOP.registryRef)) return rememberRegistry();
  say(`No registry gives ${DESKTOP.registryRef}: the desktop image is made here of Debian's packages.`);
  say('The gateway serves meanwhile. A Debian VM with XFCE that is started now shows how far the image is, and then boots.');
  const signal = AbortSignal.any([untilStopped(), untilGone(gatewayPid)]);
  await buildAll([RECIPES.find(({ imageRef }) => imageRef === DESKTOP.imageRef)], { signal });
}

function untilGone(pid) {
  const abort = new AbortController();
  const timer = setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch (error) {
      if (error.code === 'ESRCH') abort.abort(new PrepareFailure('stopped with the gateway'));
    }
  }, LOOK_MS);
  timer.unref();
  return abort.signal;
}

speakAs('images', { plain: true });
try {
  await main(Number(process.argv[2]));
} catch (error) {
  say(error instanceof PrepareFailure ? error.message : error.stack);
  say(`The gateway goes on without ${DESKTOP.imageRef}; "npm run images -- ${DESKTOP.name}" tries again.`);
}
