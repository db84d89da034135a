import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { BUILT } from '../lib/files/files.ts';

/** Progress of an image build by `npm run images` on this machine. */
export interface LocalBuild {
  readonly percent: number;
  readonly secondsLeft: number;
}

/** The image's running build; undefined if there is none. */
export type FindLocalBuild = (imageRef: string) => Promise<LocalBuild | undefined>;

/** Holds one file per running build. The builder rewrites it every second. */
const FOLDER = path.join(BUILT, 'image-builds');
const STALE_MS = 15_000;

/** Reads the builder's file. A stale file is from a killed builder and is ignored. */
export const findLocalBuild: FindLocalBuild = async (imageRef) => {
  try {
    const { percent, secondsLeft, at } = JSON.parse(await readFile(fileOf(imageRef), 'utf8')) as LocalBuild & {
      readonly at: number;
    };
    return Date.now() - at < STALE_MS ? { percent, secondsLeft } : undefined;
  } catch {
    // Usually there is no build.
    return undefined;
  }
};

/** Publishes the progress of a build to the VMs that wait for it. Call it every few seconds while the build runs. */
export function reportLocalBuild(imageRef: string, build: LocalBuild): void {
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = fileOf(`${imageRef}.${process.pid}`);
  writeFileSync(unfinished, JSON.stringify({ imageRef, ...build, at: Date.now() }));
  renameSync(unfinished, fileOf(imageRef));
}

/** Call it when the build has ended. */
export function forgetLocalBuild(imageRef: string): void {
  rmSync(fileOf(imageRef), { force: true });
}

function fileOf(imageRef: string): string {
  // Encoded: references have slashes.
  return path.join(FOLDER, `${encodeURIComponent(imageRef)}.json`);
}
