import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** How far an image is that `npm run images` builds on this machine now. */
export interface LocalBuild {
  readonly percent: number;
  readonly secondsLeft: number;
}

/** The build of that image which is under way; undefined when there is none. */
export type FindLocalBuild = (imageRef: string) => Promise<LocalBuild | undefined>;

/** A file for each build that is under way, which its builder writes anew every second. */
const FOLDER = new URL('../../.runtime/image-builds/', import.meta.url);
const STALE_MS = 15_000;

/** As its builder reports. One that was killed tells nothing more, and counts as none. */
export const findLocalBuild: FindLocalBuild = async (imageRef) => {
  try {
    const { percent, secondsLeft, at } = JSON.parse(await readFile(fileOf(imageRef), 'utf8')) as LocalBuild & { readonly at: number };
    return Date.now() - at < STALE_MS ? { percent, secondsLeft } : undefined;
  } catch {
    // None is the rule.
    return undefined;
  }
};

/** Reports how far the build of an image is, for the VMs that wait for it: to be called at least every few seconds while it lasts. */
export function reportLocalBuild(imageRef: string, build: LocalBuild): void {
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = fileOf(`${imageRef}.${process.pid}`);
  writeFileSync(unfinished, JSON.stringify({ imageRef, ...build, at: Date.now() }));
  renameSync(unfinished, fileOf(imageRef));
}

/** To be called when the build has ended. */
export function forgetLocalBuild(imageRef: string): void {
  rmSync(fileOf(imageRef), { force: true });
}

function fileOf(imageRef: string): URL {
  // Twice: once for the file's name, which has the reference encoded, and once for the address that is made of the name.
  return new URL(encodeURIComponent(`${encodeURIComponent(imageRef)}.json`), FOLDER);
}
