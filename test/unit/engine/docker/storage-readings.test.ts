import { expect, it } from 'vitest';
import { readDisk, readStorage } from '../../../../src/engine/docker/storage/storage-readings.ts';

const ID = '5f0c3b5e-7d0f-4b7a-9a53-0d2f3e1b2c4d';

it('an image holds what its file takes of the disk, and never more than its size', () => {
  const output = [
    `image 2147483648 8976 swiftor/installation.${ID}/primary.img`,
    `image 67108864 131088 swiftor/installation.${ID}/workspace.img`,
    'whole 2052 3 volume swiftor-a-primary',
    'whole 0 120000 layer 8c1f',
    'cut 700 layer 77aa',
    'stat: cannot stat something',
    'loose /dev/loop7',
    '',
  ].join('\n');
  expect(readStorage(output)).toEqual({
    images: [
      { id: ID, name: 'primary', bytes: 8976 * 512 },
      { id: ID, name: 'workspace', bytes: 67_108_864 },
    ],
    directories: {
      volume: new Map([['swiftor-a-primary', { bytes: 2052 * 1024, isWhole: true }]]),
      layer: new Map([
        // Of empty files: what they take is inodes.
        ['8c1f', { bytes: 120_000 * 16 * 1024, isWhole: true }],
        ['77aa', { bytes: 700 * 16 * 1024, isWhole: false }],
      ]),
    },
    looseDevices: ['/dev/loop7'],
  });
});

it.each<[string, string, ReturnType<typeof readDisk>]>([
  ['with some kept for root', '4096 1000 600 550\n', { usedBytes: 400 * 4096, freeBytes: 550 * 4096 }],
  ['that is full', '4096 1000 50 0', { usedBytes: 950 * 4096, freeBytes: 0 }],
  [
    'with a table of inodes',
    '4096 1000 600 550 300 100',
    { usedBytes: 400 * 4096, freeBytes: 550 * 4096, files: { used: 200, free: 100 } },
  ],
  ['without one', '4096 1000 600 550 0 0', { usedBytes: 400 * 4096, freeBytes: 550 * 4096 }],
  ['that is none', '4096 0 0 0', undefined],
  ['that says something else', 'stat: no such file', undefined],
  ['that says nothing', '', undefined],
])('a disk %s', (_what, output, expected) => {
  expect(readDisk(output)).toEqual(expected);
});
