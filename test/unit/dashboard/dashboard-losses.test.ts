import { describe, expect, it } from 'vitest';
import { lossesOf } from '../../../dashboard/screens/delete/losses.ts';

const NOTHING = {
  storageEnforcement: null,
  storageUsedGb: 0,
  secrets: [{ key: 'VM_PASSWORD' }],
  networking: [],
  ports: [],
};

describe('what a deletion takes along', () => {
  it.each([
    ['nothing of a VM without volumes and settings', {}, []],
    ['files that are measured', { storageEnforcement: 'HARD', storageUsedGb: 1.2 }, ['1.2 GB of files on its volumes']],
    [
      'files that are not measured yet',
      { storageEnforcement: 'HARD' },
      ['the files on its volumes, which are not measured yet'],
    ],
    [
      'settings',
      { secrets: [{ key: 'VM_PASSWORD' }, { key: 'A' }], networking: [{}, {}], ports: [{ publicPort: 30_017 }] },
      ['1 secret, 2 names, 1 public port (30017)'],
    ],
  ])('is %s', (_what, belongings, losses) => {
    expect(lossesOf({ ...NOTHING, ...belongings })).toEqual(losses);
  });
});
