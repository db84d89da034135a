import { expect, it } from 'vitest';
import { PLANS, type Plan } from '../../../src/catalog/plan.ts';
import {
  createViolations,
  QUOTA_DIMENSIONS,
  startViolations,
  type QuotaDimension,
  type StartRequest,
  type Usage,
} from '../../../src/vm/limits.ts';

const NOTHING: Usage = { cpu: 0, ram: 0, storageGb: 0, concurrentVms: 0, vms: 0 };

function planOf(code: string): Plan {
  const plan = PLANS.find((each) => each.code === code);
  if (plan === undefined) throw new Error(`There is no plan "${code}".`);
  return plan;
}
const broken = (code: string, request: StartRequest, used: Partial<Usage> = {}): QuotaDimension[] =>
  startViolations(planOf(code), { ...NOTHING, ...used }, request).map(({ dimension }) => dimension);

it.each<[string, string, StartRequest, Partial<Usage>, QuotaDimension[]]>([
  ['the whole of Core', 'core', { cpu: 1, ramGb: 2 }, {}, []],
  ["the seed's sample on Core", 'core', { cpu: 2, ramGb: 4 }, {}, ['CPU', 'RAM']],
  ['more cores only', 'core', { cpu: 2, ramGb: 2 }, {}, ['CPU']],
  ['more memory only', 'core', { cpu: 1, ramGb: 3 }, {}, ['RAM']],
  ['storage that is full to the last byte', 'core', { cpu: 1, ramGb: 2 }, { storageGb: 2 }, []],
  ['storage that is a little past it', 'core', { cpu: 1, ramGb: 2 }, { storageGb: 2.001 }, ['STORAGE']],
  [
    'a second VM on Core',
    'core',
    { cpu: 1, ramGb: 2 },
    { cpu: 1, ram: 2, concurrentVms: 1 },
    ['CPU', 'RAM', 'CONCURRENT_VMS'],
  ],
  ['the third on Hacker', 'hacker', { cpu: 1, ramGb: 1 }, { cpu: 2, ram: 2, concurrentVms: 2 }, []],
  ['the fourth on Hacker', 'hacker', { cpu: 1, ramGb: 1 }, { cpu: 3, ram: 3, concurrentVms: 3 }, ['CONCURRENT_VMS']],
  ['the last core of Hacker', 'hacker', { cpu: 1, ramGb: 1 }, { cpu: 3, ram: 3, concurrentVms: 1 }, []],
  ['one core past Hacker', 'hacker', { cpu: 2, ramGb: 1 }, { cpu: 3, ram: 3, concurrentVms: 1 }, ['CPU']],
  ['any number of VMs that are off', 'core', { cpu: 1, ramGb: 2 }, { vms: 1_000 }, []],
  [
    'everything at once',
    'engineer',
    { cpu: 9, ramGb: 17 },
    { storageGb: 151, concurrentVms: 6 },
    ['CPU', 'RAM', 'STORAGE', 'CONCURRENT_VMS'],
  ],
])('%s', (_what, code, request, used, expected) => {
  expect(broken(code, request, used)).toEqual(expected);
});

it('a violation has its three numbers, its unit and a sentence with all of them', () => {
  const used = { cpu: 3, ram: 7, storageGb: 30.126, concurrentVms: 3, vms: 5 };
  const violations = startViolations(planOf('hacker'), used, { cpu: 2, ramGb: 4 });
  expect(violations).toEqual([
    {
      dimension: 'CPU',
      limit: 4,
      used: 3,
      requested: 2,
      unit: 'vCPU',
      message: 'The plan Hacker allows 4 vCPU of CPU: 3 in use and 2 more needed.',
    },
    {
      dimension: 'RAM',
      limit: 8,
      used: 7,
      requested: 4,
      unit: 'GB',
      message: 'The plan Hacker allows 8 GB of memory: 7 in use and 4 more needed.',
    },
    {
      dimension: 'STORAGE',
      limit: 30,
      used: 30.126,
      requested: 0,
      unit: 'GB',
      message: 'The plan Hacker allows 30 GB of storage: 30.13 GB are in use.',
    },
    {
      dimension: 'CONCURRENT_VMS',
      limit: 3,
      used: 3,
      requested: 1,
      unit: 'VMs',
      message: 'The plan Hacker allows 3 running VMs: 3 in use and 1 more needed.',
    },
  ]);
  expect(violations.map(({ dimension }) => dimension)).toEqual(
    QUOTA_DIMENSIONS.filter((dimension) => dimension !== 'VMS'),
  );
});

it('a plan without resources lets nothing start', () => {
  const plan: Plan = { code: 'none', name: 'None', cpu: 0, ram: 0, storageGb: 0, concurrentVms: 0, vms: 0 };
  expect(startViolations(plan, NOTHING, { cpu: 1, ramGb: 1 }).map(({ dimension }) => dimension)).toEqual([
    'CPU',
    'RAM',
    'CONCURRENT_VMS',
  ]);
});

it.each([
  ['core', 49, []],
  ['core', 50, [50]],
  ['engineer', 250, [250]],
])('another VM on the plan %s with %i VMs', (code, vms, limits) => {
  expect(createViolations(planOf(code), vms).map(({ limit }) => limit)).toEqual(limits);
});

it('one VM too many is reported with its numbers and a sentence', () => {
  expect(createViolations(planOf('core'), 50)).toEqual([
    {
      dimension: 'VMS',
      limit: 50,
      used: 50,
      requested: 1,
      unit: 'VMs',
      message: 'The plan Core allows 50 VMs, on or off: 50 in use and 1 more needed.',
    },
  ]);
});
