import { beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog, type Catalog } from '../../../src/catalog/catalog.ts';
import type { EngineImage } from '../../../src/engine/engine-reports.ts';
import { NOTHING_LEARNED, toKnownImages, type EngineFacts } from '../../../src/vm/engine-facts.ts';
import { startProblems, type StartCandidate } from '../../../src/vm/problems/start-problems.ts';

let catalog: Catalog;
beforeAll(async () => {
  catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
});

const since = new Date(0);
const imagesOf = (...images: readonly EngineImage[]) => toKnownImages(images, new Date(1));
const tagged = (reference: string): EngineImage => ({
  id: `sha256:${reference}`,
  references: [reference],
  repoDigests: [],
});
const KALI = 'lscr.io/linuxserver/kali-linux:latest';
const KRITA = 'lscr.io/linuxserver/krita:latest';
const away = { images: imagesOf(), unreachedRegistries: new Set(['lscr.io']) };
const kept = { reference: KALI, id: 'sha256:k', digest: 'sha256:kd', incarnation: 0, since };

interface Case {
  readonly what: string;
  readonly vm?: Partial<StartCandidate>;
  readonly facts?: Partial<EngineFacts>;
  readonly problems: readonly { readonly code: string; readonly message?: RegExp; readonly action?: RegExp }[];
}

const CASES: readonly Case[] = [
  { what: 'an engine of which nothing is known yet', problems: [] },
  { what: 'an engine that has the image', facts: { ...away, images: imagesOf(tagged(KALI)) }, problems: [] },
  { what: 'a registry that answers', facts: { images: imagesOf() }, problems: [] },
  {
    what: 'Kali without a registry',
    facts: away,
    problems: [{ code: 'PULL_FAILED', message: /lscr\.io .*cannot be reached.*no recipe/, action: /has a stand-in/ }],
  },
  {
    what: 'a desktop whose stand-in is not built, without a registry',
    vm: { distribution: 'debian', desktop: 'xfce' },
    facts: away,
    problems: [
      { code: 'PULL_FAILED', message: /stand-in is not built/, action: /npm run images -- local\/webtop:debian-xfce$/ },
    ],
  },
  {
    what: 'one whose stand-in is there',
    vm: { distribution: 'debian', desktop: 'xfce' },
    facts: { ...away, images: imagesOf(tagged('local/webtop:debian-xfce')) },
    problems: [],
  },
  {
    what: 'one whose stand-in is being built',
    vm: { distribution: 'debian', desktop: 'xfce' },
    facts: { ...away, building: new Set(['local/webtop:debian-xfce']) },
    problems: [],
  },
  {
    what: 'an engine that is away',
    facts: { problem: 'ENGINE_UNREACHABLE' },
    problems: [{ code: 'ENGINE_UNREACHABLE', message: /"AU"/ }],
  },
  { what: 'a full disk', facts: { problem: 'NO_SPACE' }, problems: [{ code: 'NO_SPACE', message: /nearly full/ }] },
  {
    what: 'no isolation',
    facts: { problem: 'ISOLATION_FAILED' },
    problems: [{ code: 'ISOLATION_FAILED', message: /isolated/ }],
  },
  {
    what: 'SteamOS without a GPU',
    vm: { distribution: 'steamos' },
    facts: { architecture: 'amd64', missingDevices: new Set(['/dev/dri']) },
    problems: [{ code: 'DEVICE_MISSING', message: /\/dev\/dri/ }],
  },
  {
    what: 'SteamOS with one, on the wrong processor',
    vm: { distribution: 'steamos' },
    facts: { architecture: 'arm64' },
    problems: [{ code: 'WRONG_ARCHITECTURE', message: /SteamOS exists for amd64 only.*arm64/ }],
  },
  {
    what: 'Krita on the right processor',
    vm: { distribution: 'krita' },
    facts: { architecture: 'amd64' },
    problems: [],
  },
  {
    what: 'Krita on the wrong one',
    vm: { distribution: 'krita' },
    facts: { architecture: 'arm64' },
    problems: [{ code: 'WRONG_ARCHITECTURE' }],
  },
  {
    what: "Krita's stand-in, which is of the engine's own processor",
    vm: { distribution: 'krita' },
    facts: { ...away, architecture: 'arm64', images: imagesOf(tagged('local/krita:latest')) },
    problems: [],
  },
  {
    what: 'Krita that keeps its stand-in, though the registry answers',
    vm: {
      distribution: 'krita',
      image: { reference: 'local/krita:latest', id: 'sha256:old', standInFor: KRITA, incarnation: 0, since },
    },
    facts: { architecture: 'arm64', images: imagesOf({ id: 'sha256:old', references: [], repoDigests: [] }) },
    problems: [],
  },
  {
    what: 'a stand-in that is kept, and gone',
    vm: {
      distribution: 'krita',
      image: { reference: 'local/krita:latest', id: 'sha256:old', standInFor: KRITA, incarnation: 0, since },
    },
    facts: { images: imagesOf(tagged('local/krita:latest')) },
    problems: [
      {
        code: 'IMAGE_NOT_FOUND',
        message: /not on its engine any more, and is in no registry/,
        action: /^Restart the VM/,
      },
    ],
  },
  {
    what: 'an image that is kept, and there',
    vm: { image: kept },
    facts: { ...away, images: imagesOf({ id: 'sha256:k', references: [], repoDigests: [] }) },
    problems: [],
  },
  {
    what: 'an image that is kept, and to be pulled',
    vm: { image: kept },
    facts: { images: imagesOf(tagged(KALI)) },
    problems: [],
  },
  {
    what: 'an image that is kept, and not to be had, whatever its tag stands for',
    vm: { image: kept },
    facts: { ...away, images: imagesOf(tagged(KALI)) },
    problems: [{ code: 'PULL_FAILED', message: /not on its engine any more.*lscr\.io/, action: /^Restart the VM/ }],
  },
  {
    what: 'the same after a restart was asked for',
    vm: { image: kept, incarnation: 1 },
    facts: { ...away, images: imagesOf(tagged(KALI)) },
    problems: [],
  },
  { what: 'an entry that the catalog lost', vm: { distribution: 'gone' }, problems: [{ code: 'NOT_IN_CATALOG' }] },
  {
    what: 'a desktop that it lost',
    vm: { distribution: 'debian', desktop: 'gone' },
    problems: [{ code: 'NOT_IN_CATALOG', message: /desktop "gone"/ }],
  },
  {
    what: 'several at once',
    vm: { distribution: 'steamos' },
    facts: { ...away, problem: 'NO_SPACE', architecture: 'arm64', missingDevices: new Set(['/dev/dri']) },
    problems: [
      { code: 'NO_SPACE' },
      { code: 'PULL_FAILED' },
      { code: 'WRONG_ARCHITECTURE' },
      { code: 'DEVICE_MISSING' },
    ],
  },
];

describe('the problems that keep a VM from starting', () => {
  it.each(CASES)('$what', ({ vm, facts, problems }) => {
    const candidate = { region: 'AU', distribution: 'kali', desktop: null, image: null, incarnation: 0, ...vm };
    const distribution = catalog.distributions.get(candidate.distribution);
    const found = startProblems(candidate, {
      distribution,
      facts: { ...NOTHING_LEARNED, problem: undefined, ...facts },
      violations: [],
    });
    const expected = problems.map(({ code, message = /./, action = /./ }) => {
      return { code, message: expect.stringMatching(message), action: expect.stringMatching(action) };
    });
    expect(found).toEqual(expected);
  });

  it('include one for each limit of a plan without room', () => {
    const violation = { dimension: 'CPU', limit: 1, used: 1, requested: 1, unit: 'vCPU', message: 'No room.' } as const;
    const candidate = { region: 'AU', distribution: 'kali', desktop: null, image: null, incarnation: 0 };
    const facts = { ...NOTHING_LEARNED, problem: undefined };
    const found = startProblems(candidate, {
      distribution: catalog.distributions.get('kali'),
      facts,
      violations: [violation, violation],
    });
    expect(found).toMatchObject([
      { code: 'QUOTA_EXCEEDED', message: 'No room.' },
      { code: 'QUOTA_EXCEEDED', message: 'No room.' },
    ]);
  });
});
