import { expect, it } from 'vitest';
import { firstOffers } from '../../dashboard/live/catalog-facts.ts';
import type { Distribution } from '../../dashboard/api/desk.ts';

const entry = (code: string, deprecated: string | null = null): Distribution => ({ code, deprecated }) as Distribution;
const codesOf = (catalog: readonly Distribution[], states: Parameters<typeof firstOffers>[1]): string[] =>
  firstOffers(catalog, states).map(({ code }) => code);

it('somebody without a VM is offered what runs here soonest, and nothing that cannot run', () => {
  const catalog = ['a', 'b', 'c', 'd'].map((code) => entry(code));
  const states = new Map([
    ['a', 'UNAVAILABLE'],
    ['b', 'DOWNLOAD'],
    ['c', 'READY'],
    ['d', 'BUILDABLE'],
  ] as const);
  expect(codesOf([...catalog, entry('old', 'Use another.')], states)).toEqual(['c', 'd', 'b']);
});

it('the first entries are offered while nothing is known, and if nothing can run here', () => {
  const catalog = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((code) => entry(code));
  expect(codesOf(catalog, new Map())).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(codesOf(catalog, new Map(catalog.map(({ code }) => [code, 'UNAVAILABLE'])))).toHaveLength(6);
});
