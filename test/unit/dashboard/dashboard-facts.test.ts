import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startViolations } from '../../../dashboard/account/preflight.ts';
import { claimsOf, isTokenShaped } from '../../../dashboard/session/token-claims.ts';
import { bytesOf, duration, gigabytes, rate } from '../../../dashboard/words/format.ts';
import { statusWords } from '../../../dashboard/words/status.ts';
import { PLANS } from '../../../src/catalog/plan.ts';
import { STYLE } from '../../../src/ingress/pages/page-assets.ts';
import { startViolations as apiViolations } from '../../../src/vm/limits.ts';
import { testToken } from '../../support/gateway/tokens.ts';

describe('the words of the dashboard', () => {
  it.each([
    [0.21, '0.2 s'],
    [42.4, '42 s'],
    [150, '2 min'],
    [7380, '2 h 3 min'],
    [180_000, '2.1 days'],
  ])('a duration of %d s is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it('sizes and rates have one unit', () => {
    expect([bytesOf(2.1e6, 498e6), gigabytes(0.004), gigabytes(1.25), rate(12_400)]).toEqual([
      '2.1 of 498 MB',
      '4 MB',
      '1.3 GB',
      '12.4 kB/s',
    ]);
  });

  it('name the steps of a boot like the boot page', () => {
    const page = readFileSync(
      path.join(import.meta.dirname, '../../../src/ingress/waiting/booting-content.ts'),
      'utf8',
    );
    for (const status of ['QUEUED', 'PULLING', 'STARTING', 'BOOTING'] as const)
      expect(page).toContain(`['${status}', '${statusWords.status[status]}']`);
  });

  it('say what a plan has no room for as the API does', () => {
    const used = { cpu: 6, ram: 15.5, storageGb: 200, concurrentVms: 6, vms: 9 };
    for (const plan of PLANS) {
      const ours = startViolations(plan, used, { cpu: 4, ram: 2 });
      expect(ours).toEqual(apiViolations(plan, used, { cpu: 4, ramGb: 2 }).map(({ message }) => message));
    }
  });
});

describe('the colours of the pages', () => {
  it('stand in one file, which all of them read', () => {
    const root = path.join(import.meta.dirname, '../../..');
    const sources = globSync(['dashboard/**/*.css', 'vm-pages/**/*.{css,ts}', 'src/**/*.ts'], { cwd: root });
    const readers = sources.filter((name) => readFileSync(path.join(root, name), 'utf8').includes('theme.css'));
    expect(readers.map((name) => path.basename(name)).toSorted()).toEqual([
      'all.css',
      'files.css',
      'page-assets.ts',
      'terminal.css',
    ]);
    const text = readFileSync(path.join(root, 'dashboard/theme.css'), 'utf8');
    expect(STYLE).toContain(text);
    const names = [...text.matchAll(/(--[a-z-]+): light-dark/g)].map(([, name]) => `${name}:`);
    expect(names.length).toBeGreaterThan(5);
    for (const source of sources.filter((name) => name !== 'dashboard/theme.css')) {
      const own = readFileSync(path.join(root, source), 'utf8');
      expect(
        names.filter((name) => own.includes(name)),
        source,
      ).toEqual([]);
    }
  });
});

describe('a token', () => {
  it('tells its user and its end', async () => {
    const token = await testToken('alice', { ttlSeconds: 60 });
    expect(isTokenShaped(token)).toBe(true);
    const { userId, expiresAt = 0 } = claimsOf(token);
    expect(userId).toBe('alice');
    expect(Math.abs(expiresAt - Date.now() - 60_000)).toBeLessThan(5_000);
  });

  it('that is none tells nothing', () => {
    for (const text of ['', 'a.b', 'a.b.c', '{}'])
      expect(claimsOf(text)).toEqual({ userId: undefined, expiresAt: undefined, issuedAt: undefined });
    expect(isTokenShaped('not a token')).toBe(false);
  });
});
