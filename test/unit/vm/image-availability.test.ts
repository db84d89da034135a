import { expect, it } from 'vitest';
import { NOTHING_LEARNED, toKnownImages, type EngineFacts } from '../../../src/vm/engine-facts.ts';
import { imageAvailability } from '../../../src/vm/problems/image-availability.ts';

const REMOTE = { imageRef: 'registry.test/app:1', localImageRef: undefined };
const WITH_STAND_IN = { imageRef: 'registry.test/app:1', localImageRef: 'local/app:1' };
const LOCAL = { imageRef: 'local/app:1', localImageRef: undefined };

const present = (...references: string[]): EngineFacts['images'] =>
  toKnownImages([{ id: 'sha256:1', references, repoDigests: [] }], new Date());
const factsOf = (facts: Partial<EngineFacts>): EngineFacts => ({ ...NOTHING_LEARNED, problem: undefined, ...facts });
const unreachedRegistries = new Set(['registry.test']);
const askedRegistries = unreachedRegistries;

it.each([
  ['READY', 'the engine has it', REMOTE, factsOf({ images: present('registry.test/app:1') })],
  [
    'READY',
    'the engine has its fallback',
    WITH_STAND_IN,
    factsOf({ images: present('local/app:1'), askedRegistries, unreachedRegistries }),
  ],
  ['UNKNOWN', 'nothing is known', REMOTE, factsOf({})],
  ['UNKNOWN', 'its registry was not asked yet', WITH_STAND_IN, factsOf({ images: present('local/app:1') })],
  ['DOWNLOAD', 'its registry answers', WITH_STAND_IN, factsOf({ images: present('local/app:1'), askedRegistries })],
  [
    'BUILDABLE',
    'its fallback could be built',
    WITH_STAND_IN,
    factsOf({ images: present('other:1'), askedRegistries, unreachedRegistries }),
  ],
  [
    'BUILDABLE',
    'it is being built',
    LOCAL,
    factsOf({ images: present('other:1'), building: new Set(['local/app:1']) }),
  ],
  [
    'UNAVAILABLE',
    'it has no fallback',
    REMOTE,
    factsOf({ images: present('other:1'), askedRegistries, unreachedRegistries }),
  ],
  ['UNAVAILABLE', 'it was not built', LOCAL, factsOf({ images: present('other:1') })],
  ['UNAVAILABLE', 'the engine does not answer', REMOTE, factsOf({ problem: 'ENGINE_UNREACHABLE' })],
] as const)('an image is %s if %s', (expected, _why, image, facts) => {
  expect(imageAvailability(image, facts)).toBe(expected);
});
