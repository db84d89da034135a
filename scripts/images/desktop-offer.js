import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RECIPES } from '../../images/recipes.js';
import { inProject } from '../prepare/project.js';
import { say } from '../prepare/report.js';
import { stateOf } from './image-state.js';
import { isInRegistry } from './registry.js';

/** What a first VM most likely is. */
export const DESKTOP = {
  name: 'webtop-debian-xfce',
  imageRef: 'local/webtop:debian-xfce',
  registryRef: 'lscr.io/linuxserver/webtop:debian-xfce',
};

/** There when a registry gave the image once: nobody asks again. Where it does not, the image is built, and nobody asks again either. */
const REMEMBERED = inProject('.runtime/registry-answers');

export function rememberRegistry() {
  mkdirSync(path.dirname(REMEMBERED), { recursive: true });
  writeFileSync(REMEMBERED, `${DESKTOP.registryRef} ${new Date().toISOString()}\n`);
}

/**
 * Sees to it that a gateway that is about to start as process `gatewayPid` has a desktop to offer. Takes milliseconds: whether a
 * registry answers, and the build where none does, are the matter of a process of its own. Never fails.
 */
export async function offerDesktop(gatewayPid) {
  if (existsSync(REMEMBERED)) return;
  const state = await stateOf(RECIPES.find(({ imageRef }) => imageRef === DESKTOP.imageRef)).catch(() => 'unknown');
  if (state !== 'missing' && state !== 'outdated') return;
  const script = inProject('scripts/offer-desktop.js');
  spawn(process.execPath, [script, String(gatewayPid)], { stdio: ['ignore', 'inherit', 'inherit'] }).unref();
}

/** The same for who wants nothing changed: says what is missing. */
export async function explainDesktop() {
  if (existsSync(REMEMBERED)) return;
  const state = await stateOf(RECIPES.find(({ imageRef }) => imageRef === DESKTOP.imageRef)).catch(() => 'unknown');
  if (state !== 'missing' || (await isInRegistry(DESKTOP.registryRef))) return;
  say(`No registry gives ${DESKTOP.registryRef}, and ${DESKTOP.imageRef} is not built: desktops will not start.`);
  say(`"npm run images -- ${DESKTOP.name}" builds it, about 3 min; it was not begun, as SWIFTOR_NO_INSTALL=1 is set.`);
}
