import { say } from '../../scripts/prepare/report.js';
import { openEngine } from '../engine.ts';
import { DESKTOP, isRemembered } from './desktop-offer.ts';
import { stateOfDesktop } from './desktop-state.ts';
import { isInRegistry } from './registry.ts';

/** For an operator who wants nothing changed: says what is missing. */
export async function explainDesktop(): Promise<void> {
  if (isRemembered()) return;
  using engine = openEngine();
  if ((await stateOfDesktop(engine)) !== 'missing' || (await isInRegistry(engine, DESKTOP.registryRef))) return;
  say(`No registry gives ${DESKTOP.registryRef}, and ${DESKTOP.imageRef} is not built: desktops will not start.`);
  say(`"npm run images -- ${DESKTOP.name}" builds it, about 3 min; it was not begun, as SWIFTOR_NO_INSTALL=1 is set.`);
}
