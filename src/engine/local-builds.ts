import { readFile } from 'node:fs/promises';

/** How far an image is that `npm run images` builds on this machine now. */
export interface LocalBuild {
  readonly percent: number;
  readonly secondsLeft: number;
}

/** The build of that image which is under way; undefined when there is none. */
export type FindLocalBuild = (imageRef: string) => Promise<LocalBuild | undefined>;

/** scripts/images/build-report.js writes there, every second. */
const FOLDER = new URL('../../.runtime/image-builds/', import.meta.url);
const STALE_MS = 15_000;

/** As its builder tells. One that was killed tells nothing more, and counts as none. */
export const findLocalBuild: FindLocalBuild = async (imageRef) => {
  try {
    // Twice: once for the file's name, which has the reference encoded, and once for the address that is made of the name.
    const file = new URL(encodeURIComponent(`${encodeURIComponent(imageRef)}.json`), FOLDER);
    const { percent, secondsLeft, at } = JSON.parse(await readFile(file, 'utf8')) as LocalBuild & { readonly at: number };
    return Date.now() - at < STALE_MS ? { percent, secondsLeft } : undefined;
  } catch {
    // None is the rule.
    return undefined;
  }
};
