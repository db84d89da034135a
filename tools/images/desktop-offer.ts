import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inProject } from '../../scripts/prepare/project.js';

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

const START_SECONDS = 2;

/** Whether a registry gave the image once. */
export function isRemembered(): boolean {
  return existsSync(REMEMBERED);
}

/**
 * Sees to it that a gateway that is about to start as process `gatewayPid` has a desktop to offer. Takes milliseconds:
 * whether there is an image, or a registry that answers, and the build where there is neither, are the matter of a
 * process of its own. Never fails.
 */
export function offerDesktop(gatewayPid: number): void {
  if (isRemembered()) return;
  const script = inProject('tools/images/offer-desktop.ts');
  // The gateway starts first.
  const later = ['-c', `sleep ${START_SECONDS}; exec "$@"`, 'sh', process.execPath, script, String(gatewayPid)];
  spawn('sh', later, { stdio: ['ignore', 'inherit', 'inherit'] }).unref();
}
