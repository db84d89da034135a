import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../src/engine/machine.ts';
import { imageUpdate } from '../../../src/reconciler/plan/image-update.ts';
import { toKnownImages } from '../../../src/vm/engine-facts.ts';
import { isImageDue, isOutdated, keptImage, orderedReference, outlivesStop } from '../../../src/vm/vm-image.ts';

const since = new Date(0);
const image = { reference: 'lscr.io/a:1', id: 'sha256:a', digest: 'sha256:d', incarnation: 2, since };

describe('the image that a VM keeps', () => {
  it.each([
    { what: 'before the first boot', vm: { image: null, incarnation: 0 }, kept: undefined, due: false },
    { what: 'after it', vm: { image, incarnation: 2 }, kept: image, due: false },
    { what: 'after a restart', vm: { image, incarnation: 3 }, kept: undefined, due: true },
    {
      what: 'after a restart that was undone',
      vm: { image: { ...image, incarnation: null }, incarnation: 3 },
      kept: undefined,
      due: true,
    },
  ])('$what', ({ vm, kept, due }) => {
    expect([keptImage(vm), isImageDue(vm)]).toEqual([kept, due]);
  });

  it.each([
    { persistent: false, storageEnforcement: null, outlives: false },
    { persistent: false, storageEnforcement: 'HARD', outlives: true },
    { persistent: true, storageEnforcement: null, outlives: true },
  ] as const)('outlives a stop if a volume does: %o', ({ outlives, ...vm }) => {
    expect(outlivesStop(vm)).toBe(outlives);
  });

  it('was ordered by the reference that it stands in for, or else by its own', () => {
    expect(orderedReference(image)).toBe('lscr.io/a:1');
    expect(orderedReference({ ...image, standInFor: 'lscr.io/b:1' })).toBe('lscr.io/b:1');
  });
});

describe('the image columns after a container was observed', () => {
  const spec = { hash: 'new', imageRef: 'lscr.io/a:1', localImageRef: 'local/a:1' };
  const seen = (hash: string, of: Observation['image']): Observation => {
    return { id: 'vm', ref: 'ref', hash, state: 'running', oomKilled: false, ...(of && { image: of }) };
  };
  const own = { reference: 'lscr.io/a:1', id: 'sha256:a' };
  const standIn = { reference: 'local/a:1', id: 'sha256:l', standInFor: 'lscr.io/a:1' };
  const { standInFor: _unsaid, ...older } = standIn;
  const columns = { image_digest: null, image_stand_in_for: null, image_since: expect.anything() };

  it.each([
    {
      what: 'its first',
      vm: { image: null, incarnation: 0 },
      observed: seen('new', { ...own, digest: 'sha256:d' }),
      told: {
        ...columns,
        image_reference: 'lscr.io/a:1',
        image_id: 'sha256:a',
        image_digest: 'sha256:d',
        image_incarnation: 0,
      },
    },
    {
      what: 'a stand-in',
      vm: { image: null, incarnation: 0 },
      observed: seen('new', standIn),
      told: {
        ...columns,
        image_reference: 'local/a:1',
        image_id: 'sha256:l',
        image_stand_in_for: 'lscr.io/a:1',
        image_incarnation: 0,
      },
    },
    {
      what: 'a stand-in in a container that does not say that it is one',
      vm: { image: null, incarnation: 0 },
      observed: seen('new', older),
      told: {
        ...columns,
        image_reference: 'local/a:1',
        image_id: 'sha256:l',
        image_stand_in_for: 'lscr.io/a:1',
        image_incarnation: 0,
      },
    },
    { what: 'the one that is known', vm: { image, incarnation: 2 }, observed: seen('new', own), told: {} },
    {
      what: 'the same one after a restart',
      vm: { image, incarnation: 3 },
      observed: seen('new', own),
      told: { ...columns, image_reference: 'lscr.io/a:1', image_id: 'sha256:a', image_incarnation: 3 },
    },
    {
      what: 'the same one in a container that a failed change went back to',
      vm: { image, incarnation: 2 },
      observed: seen('old', own),
      told: {},
    },
    {
      what: 'another one that a failed restart went back to',
      vm: { image, incarnation: 3 },
      observed: seen('old', { ...own, id: 'sha256:b' }),
      told: { ...columns, image_reference: 'lscr.io/a:1', image_id: 'sha256:b', image_incarnation: null },
    },
    {
      what: 'one that was not looked at',
      vm: { image: null, incarnation: 0 },
      observed: seen('new', undefined),
      told: {},
    },
  ])('$what', ({ vm, observed, told }) => {
    expect(imageUpdate(vm, spec, observed)).toEqual(told);
  });
});

describe('an image', () => {
  const own = { ...image, since: new Date(10) };
  const standIn = {
    reference: 'local/a:1',
    id: 'sha256:l',
    standInFor: 'lscr.io/a:1',
    incarnation: 0,
    since: new Date(10),
  };
  const offered = { imageRef: 'lscr.io/a:1', localImageRef: 'local/a:1' };
  const engine = (ids: Readonly<Record<string, string>>, at = 20, repoDigests: readonly string[] = []) =>
    toKnownImages(
      Object.entries(ids).map(([reference, id]) => ({ id, references: [reference], repoDigests })),
      new Date(at),
    );

  it.each([
    { what: 'that its tag still stands for', of: own, images: engine({ 'lscr.io/a:1': 'sha256:a' }), outdated: false },
    { what: 'whose tag stands for another', of: own, images: engine({ 'lscr.io/a:1': 'sha256:b' }), outdated: true },
    {
      what: 'of which the engine has another id for the digest',
      of: own,
      images: engine({ 'lscr.io/a:1': 'sha256:b' }, 20, ['lscr.io/a@sha256:d']),
      outdated: false,
    },
    {
      what: 'that was taken after the engine was looked at',
      of: own,
      images: engine({ 'lscr.io/a:1': 'sha256:b' }, 10),
      outdated: false,
    },
    { what: 'of an engine that nothing is known of', of: own, images: undefined, outdated: false },
    { what: 'whose tag the engine has lost', of: own, images: engine({}), outdated: false },
    {
      what: 'that is no stand-in, beside a stand-in',
      of: own,
      images: engine({ 'local/a:1': 'sha256:l' }),
      outdated: false,
    },
    { what: 'that stands in', of: standIn, images: engine({ 'local/a:1': 'sha256:l' }), outdated: false },
    {
      what: "that stands in, where the catalog's own is there",
      of: standIn,
      images: engine({ 'local/a:1': 'sha256:l', 'lscr.io/a:1': 'sha256:a' }),
      outdated: true,
    },
    {
      what: 'that stands in, and was built anew',
      of: standIn,
      images: engine({ 'local/a:1': 'sha256:m' }),
      outdated: true,
    },
  ])('$what', ({ of, images, outdated }) => {
    expect(isOutdated(of, offered, images)).toBe(outdated);
  });

  it('is outdated when the catalog names another reference', () => {
    expect(isOutdated(own, { imageRef: 'lscr.io/b:1' }, engine({}))).toBe(true);
  });
});
