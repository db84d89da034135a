import { expect, it } from 'vitest';
import { readConfig } from '../../../src/config/read-config.ts';
import { isPastWatermark, parseDiskWatermark } from '../../../src/config/disk-watermark.ts';

const GB = 2 ** 30;

it.each([
  ['85%', { usedPercent: 85, freeBytes: Infinity }],
  ['100%', { usedPercent: 100, freeBytes: Infinity }],
  ['20GB', { usedPercent: 0, freeBytes: 20 * GB }],
  ['90%,5gb', { usedPercent: 90, freeBytes: 5 * GB }],
])('"%s" is a watermark', (text, expected) => {
  expect(parseDiskWatermark(text)).toEqual(expected);
});

it.each(['85', '101%', '-1%', 'GB', '20MB', '20GB,85%', '85%,', ',20GB', '85%,20GB,1GB', '85%20GB', '0.5%'])(
  '"%s" is none',
  (text) => {
    expect(parseDiskWatermark(text)).toBeUndefined();
    expect(() => readConfig({ DISK_WATERMARK: text })).toThrow(`DISK_WATERMARK has "${text}"; it must be 85%, 20GB`);
  },
);

it.each<[string, number, number, boolean]>([
  ['85%', 84, 16, false],
  ['85%', 85, 15, true],
  ['20GB', 10, 20, false],
  ['20GB', 10, 19, true],
  // Of a large disk, 15 % are plenty; of a small one, 20 GB may be half of it.
  ['85%,20GB', 1900, 100, false],
  ['85%,20GB', 981, 19, true],
  ['85%,20GB', 30, 10, false],
  ['85%,20GB', 35, 5, true],
  ['0%', 1, 99, true],
  ['100%', 99, 1, false],
  ['100%', 100, 0, true],
  ['0GB', 100, 0, true],
])('%s, of a disk with %d GB used and %d GB free', (text, used, free, expected) => {
  const watermark = parseDiskWatermark(text);
  expect(watermark && isPastWatermark({ usedBytes: used * GB, freeBytes: free * GB }, watermark)).toBe(expected);
});

it.each<[string, number, number, boolean]>([
  ['85%', 84, 16, false],
  ['85%', 85, 15, true],
  ['85%,20GB', 30_000_000, 2_000_000, false],
  ['85%,20GB', 30_000_000, 1_000_000, true],
  ['100%', 100, 0, true],
])('%s, of a disk with much space, %d files and room for %d', (text, used, free, expected) => {
  const watermark = parseDiskWatermark(text);
  const space = { usedBytes: GB, freeBytes: 1000 * GB, files: { used, free } };
  expect(watermark && isPastWatermark(space, watermark)).toBe(expected);
});
