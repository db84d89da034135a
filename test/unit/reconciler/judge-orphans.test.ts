import { describe, expect, it } from 'vitest';
import type { Inventory } from '../../../src/engine/engine-reports.ts';
import { findOrphans, judgeOrphans, type OrphanFacts } from '../../../src/reconciler/orphans/judge-orphans.ts';

const machine = (id: string): Inventory['machines'][number] => {
  return { id, ref: `ref-${id}`, hash: 'hash', state: 'running', oomKilled: false, labels: {} };
};
const volume = (id: string, name = 'primary'): Inventory['volumes'][number] => ({ id, name, labels: {} });
const ON_ENGINE: Inventory = {
  machines: ['row', 'deleted', 'unknown'].map(machine),
  volumes: ['row', 'deleted', 'unknown', 'unknown-volume', 'deleted-volume'].map((id) => volume(id)),
};
const facts = (more: Partial<OrphanFacts> = {}): OrphanFacts => ({
  inventory: ON_ENGINE,
  rowIds: new Set(['row', 'a row without anything']),
  deletedIds: new Set(['deleted', 'deleted-volume', 'deleted long ago']),
  since: new Map(findOrphans(ON_ENGINE, new Set()).map((id) => [id, 0])),
  now: 60_000,
  graceMs: 60_000,
  ...more,
});

describe('an orphan', () => {
  it('is removed if its VM was deleted and kept otherwise', () => {
    expect(judgeOrphans(facts())).toEqual({
      remove: ['deleted', 'deleted-volume'],
      quarantine: ['unknown', 'unknown-volume'],
    });
  });

  it('is kept if the database is empty', () => {
    const quarantine = ['row', 'deleted', 'unknown', 'unknown-volume', 'deleted-volume'];
    expect(judgeOrphans(facts({ rowIds: new Set(), deletedIds: new Set() }))).toEqual({ remove: [], quarantine });
  });

  it.each([
    ['all', new Map(), 1_000_000, 60_000, []],
    ['all that was seen too late', new Map([['unknown', 1]]), 60_000, 60_000, []],
    ['all but what was seen long enough ago', new Map([['unknown', 0]]), 60_000, 60_000, ['unknown']],
    ['nothing without a grace', new Map(), 0, 0, ['unknown', 'unknown-volume']],
  ])('is left alone during the grace: %s', (_what, since, now, graceMs, quarantine) => {
    expect(
      judgeOrphans(facts({ since, now, graceMs, deletedIds: new Set(['deleted', 'deleted-volume']) })).quarantine,
    ).toEqual(quarantine);
  });

  it('is left alone during the grace even if its VM was deleted', () => {
    expect(judgeOrphans(facts({ since: new Map([['unknown', 0]]) })).remove).toEqual([]);
  });

  it('is never a VM that has a row, whatever else is known of it', () => {
    const rowIds = new Set(['row', 'deleted', 'unknown', 'unknown-volume', 'deleted-volume']);
    expect(judgeOrphans(facts({ rowIds }))).toEqual({ remove: [], quarantine: [] });
  });

  it.each([
    ['a trial of storage', [], [volume('x', 'trial')], 'remove'],
    ['a volume of that name beside another', [], [volume('x', 'trial'), volume('x')], 'quarantine'],
    ['a volume of that name beside a container', [machine('x')], [volume('x', 'trial')], 'quarantine'],
  ] as const)('%s', (_what, machines, volumes, verdict) => {
    const nothing = { remove: [], quarantine: [] };
    expect(judgeOrphans(facts({ inventory: { machines, volumes }, since: new Map([['x', 0]]) }))).toEqual({
      ...nothing,
      [verdict]: ['x'],
    });
  });
});
