import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RECIPES, type Recipe } from '../../images/recipes.ts';
import { inProject } from '../../scripts/prepare/project.js';
import { say } from '../../scripts/prepare/report.js';
import { openEngine, type ToolEngine } from '../engine.ts';
import { stateOf } from './image-state.ts';
import { isInRegistry } from './registry.ts';

/** What a first VM most likely is. */
export const DESKTOP = {
  name: 'webtop-debian-xfce',
  imageRef: 'local/webtop:debian-xfce',
  registryRef: 'lscr.io/linuxserver/webtop:debian-xfce',
};

/**
 * There when a registry gave the image once: nobody asks again. Where it does not, the image is built, and nobody asks
 * again either.
 */
const REMEMBERED = inProject('.runtime/registry-answers');

export function rememberRegistry(): void {
  mkdirSync(path.dirname(REMEMBERED), { recursive: true });
  writeFileSync(REMEMBERED, `${DESKTOP.registryRef} ${new Date().toISOString()}\n`);
}

/** The recipe of the desktop, in a list. */
export function desktopRecipes(): readonly Recipe[] {
  return RECIPES.filter(({ imageRef }) => imageRef === DESKTOP.imageRef);
}

/**
 * Sees to it that a gateway that is about to start as process `gatewayPid` has a desktop to offer. Takes milliseconds:
 * whether a registry answers, and the build where none does, are the matter of a process of its own. Never fails.
 */
export async function offerDesktop(gatewayPid: number): Promise<void> {
  if (existsSync(REMEMBERED)) return;
  using engine = openEngine();
  const state = await stateOfDesktop(engine);
  if (state !== 'missing' && state !== 'outdated') return;
  const script = inProject('tools/images/offer-desktop.ts');
  spawn(process.execPath, [script, String(gatewayPid)], { stdio: ['ignore', 'inherit', 'inherit'] }).unref();
}

/** For an operator who wants nothing changed: says what is missing. */
export async function explainDesktop(): Promise<void> {
  if (existsSync(REMEMBERED)) return;
  using engine = openEngine();
  if ((await stateOfDesktop(engine)) !== 'missing' || (await isInRegistry(engine, DESKTOP.registryRef))) return;
  say(`No registry gives ${DESKTOP.registryRef}, and ${DESKTOP.imageRef} is not built: desktops will not start.`);
  say(`"npm run images -- ${DESKTOP.name}" builds it, about 3 min; it was not begun, as SWIFTOR_NO_INSTALL=1 is set.`);
}

async function stateOfDesktop(engine: ToolEngine): Promise<string> {
  const [recipe] = desktopRecipes();
  return recipe === undefined ? 'unknown' : stateOf(engine, recipe).catch(() => 'unknown');
}
