import { expect, it } from 'vitest';
import { firstOffers, sizeFor } from '../../../dashboard/account/catalog-facts.ts';
import type { Distribution } from '../../../dashboard/api/desk.ts';

const entry = (code: string, deprecated: string | null = null): Distribution => ({ code, deprecated }) as Distribution;
const codesOf = (catalog: readonly Distribution[], states: Parameters<typeof firstOffers>[1]): string[] =>
  firstOffers(catalog, states).map(({ code }) => code);

it('a user without a VM is offered what runs here soonest, and nothing that cannot run', () => {
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

it('a new VM gets the size that its app works well with, if the plan has that left, and at least what it needs', () => {
  const app = { minimum: { cpu: 1, ram: 2 }, recommended: { cpu: 4, ram: 8 } };
  const left = (cpu: number, ram: number) => ({ plan: { cpu: 8, ram: 16 }, usage: { cpu: 8 - cpu, ram: 16 - ram } });
  const sizeOf = (cpu: number, ram: number) => sizeFor(app, left(cpu, ram) as Parameters<typeof sizeFor>[1]);
  expect([sizeOf(8, 16), sizeOf(2, 3), sizeOf(0, 0)]).toEqual([
    { cpu: 4, ram: 8 },
    { cpu: 2, ram: 3 },
    { cpu: 1, ram: 2 },
  ]);
});
