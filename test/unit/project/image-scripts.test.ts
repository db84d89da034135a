import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RECIPES } from '../../../images/recipes.ts';
import { DISTRIBUTIONS } from '../../../src/catalog/distributions.ts';
import { findLocalBuild } from '../../../src/engine/local-builds.ts';
import { toAptOptions, toSourceLines } from '../../../tools/images/build/apt-sources.ts';
import { digestOf, readContext } from '../../../tools/images/context/build-context.ts';
import { BuildProgress } from '../../../tools/images/build/build-progress.ts';
import { BuildReport } from '../../../tools/images/build/build-report.ts';
import { atThisPace, secondsOf, toDuration } from '../../../tools/images/build/durations.ts';
import { packContext } from '../../../tools/images/context/pack-context.ts';

describe('recipes', () => {
  it('build each image that the catalog has a stand-in of', () => {
    const standIns = DISTRIBUTIONS.flatMap(({ localImage, localImages = {} }) =>
      [localImage ?? [], Object.values(localImages)].flat(),
    );
    expect(RECIPES.map(({ imageRef }) => imageRef).toSorted()).toEqual(standIns.toSorted());
  });

  it.each(RECIPES.map((recipe) => [recipe.name, recipe] as const))(
    '%s has all its files, and a digest that goes by them',
    (_, recipe) => {
      const paths = readContext(recipe).map((entry) => entry.path);
      expect(paths).toContain('Dockerfile');
      expect(paths.filter((each) => each.startsWith('tests/'))).toEqual([]);
      const changed = { ...recipe, args: { ...recipe.args, TITLE: 'Another' } };
      expect(digestOf(recipe)).toBe(digestOf(recipe));
      expect(digestOf(changed)).not.toBe(digestOf(recipe));
    },
  );
});

describe('how long building takes', () => {
  it('counts the first step of recipes with the same files once', () => {
    const files = [['a', '']] as const;
    expect(secondsOf([{ files, seconds: [50, 10] }])).toBe(60);
    expect(
      secondsOf([
        { files, seconds: [50, 10] },
        { files, seconds: [50, 20, 5] },
        { files: [['b', '']], seconds: [7], fetchSeconds: 3 },
      ]),
    ).toBe(95);
  });

  it('is corrected by how slow this machine is, once that shows', () => {
    expect(atThisPace(60, { done: 5, elapsed: 50 })).toBe(60);
    expect(atThisPace(60, { done: 30, elapsed: 90 })).toBe(180);
    expect(atThisPace(60, { done: 30, elapsed: 3 })).toBe(60);
  });

  it.each([
    [3, '10 s'],
    [88, '90 s'],
    [130, '2 min'],
  ])('is told as a person would: %i s', (seconds, told) => expect(toDuration(seconds)).toBe(told));
});

describe('the progress of a build', () => {
  const told = (...lines: string[]) => {
    const progress = new BuildProgress([60, 30, 10]);
    for (const stream of lines) progress.add({ stream });
    return progress;
  };
  const FIRST = [
    'Step 1/5 : FROM debian',
    'Step 2/5 : RUN apt-get update && apt-get install -y x',
    '2 upgraded, 2 newly installed',
  ];
  const ALL = [
    'Get:1 http://mirror bookworm/main amd64 a [10 kB]',
    'Unpacking a',
    'Setting up a',
    'Get:2 http://mirror b [1.2 MB]',
  ];

  it('goes by the packages of a step, each of which is fetched, unpacked and set up', () => {
    expect(told(...FIRST).percent).toBe(0);
    expect(told(...FIRST, ...ALL)).toMatchObject({
      percent: 40,
      secondsLeft: 60,
      doing: 'step 2 of 5, 1 of 2 packages',
    });
  });

  it('knows a step as done when the next begins, and weighs each by how long it takes', () => {
    expect(told(...FIRST, ...ALL, 'Step 3/5 : RUN apt-get install -y y').percent).toBe(60);
    expect(told(...FIRST, 'Step 3/5 : RUN apt-get install y', 'Step 4/5 : COPY a b')).toMatchObject({
      percent: 90,
      secondsLeft: 10,
    });
  });

  it('never says 100, and keeps only the last lines', () => {
    const lines = Array.from({ length: 100 }, (_, at) => `line ${at}\n`);
    const progress = told(
      ...FIRST,
      'Step 3/5 : RUN apt-get install',
      'Step 4/5 : RUN npm x',
      'Step 5/5 : CMD',
      ...lines,
    );
    expect(progress.percent).toBe(99);
    expect(progress.tail.split('\n')).toHaveLength(25);
    expect(progress.tail.endsWith('line 99')).toBe(true);
  });
});

describe('the sources of a base image', () => {
  const TARGETS = [
    'http://mirror.example/debian/|trixie|main',
    'http://mirror.example/debian/|trixie-updates|main',
    'http://security.example/debian-security/|trixie-security|main',
    'https://deb.other.example/node|nodistro|main',
  ].join('\n');

  it("are this machine's mirrors, also for another release than its own", () => {
    expect(toSourceLines(TARGETS, 'bookworm', true)).toEqual([
      'deb http://mirror.example/debian bookworm main',
      'deb http://mirror.example/debian bookworm-updates main',
      'deb http://security.example/debian-security bookworm-security main',
    ]);
  });

  it("are left to mmdebstrap, which knows Debian's own, where this machine has none of Debian", () => {
    const ubuntu = 'http://archive.example/ubuntu/|noble|main';
    for (const [targets, isDebian] of [
      [ubuntu, false],
      ['file:/media/cdrom/|bookworm|main', true],
      ['', true],
    ] as const) {
      expect(toSourceLines(targets, 'bookworm', isDebian)).toEqual([]);
    }
  });

  it('come with the settings that they do not work without, and with no other', () => {
    const dump = [
      'APT::Architecture "amd64";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https::Proxy "http://127.0.0.1:3128";',
      'Acquire::Languages "none";',
    ];
    expect(toAptOptions(dump.join('\n'))).toEqual([
      'Acquire::Check-Valid-Until "false"',
      'Acquire::http::Proxy "http://proxy.example:3128"',
    ]);
  });
});

describe('an archive for the engine', () => {
  it('unpacks to the same files, long names and modes kept', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-tar-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'source');
    await writeFile(file, 'x'.repeat(513));
    const long = `${'folder/'.repeat(20)}${'n'.repeat(90)}`;
    const archive = await buffer(
      packContext([
        { path: 'run.sh', mode: 0o755, file },
        { path: long, mode: 0o644, file },
      ]),
    );
    const { stdout, status } = spawnSync('tar', ['tvf', '-'], { input: archive, encoding: 'utf8' });
    expect(status).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/ +/g, ' ')),
    ).toEqual(['-rwxr-xr-x 0/0 513 1970-01-01 00:00 run.sh', `-rw-r--r-- 0/0 513 1970-01-01 00:00 ${long}`]);
  });

  it('is the same for the same files', async () => {
    const files = [{ path: 'a', mode: 0o644, file: import.meta.filename }];
    expect(await buffer(packContext(files))).toEqual(await buffer(packContext(files)));
  });

  it('ends with an error when a file cannot be read', async () => {
    await expect(buffer(packContext([{ path: 'a', mode: 0o644, file: '/nowhere' }]))).rejects.toThrow('ENOENT');
  });
});

it('how far a build is reaches the gateways until it has ended', async () => {
  const imageRef = 'local/swiftor-test:report';
  const report = new BuildReport(imageRef, 100);
  onTestFinished(() => report.close());
  expect(await findLocalBuild(imageRef)).toEqual({ percent: 0, secondsLeft: 100 });
  report.close();
  expect(await findLocalBuild(imageRef)).toBeUndefined();
});
