import { describe, expect, it } from 'vitest';
import { judge } from '../../chaos/rig/api-client.ts';
import { checkBystanders, findBystanders } from '../../chaos/rig/bystanders.ts';
import { checkFacts, type Expectation } from '../../chaos/checks/check-facts.ts';
import { applyOperation, expectAsShown, findBrokenPromises, type ExpectedVm } from '../../chaos/checks/expected-vm.ts';
import type { ContainerFact, Facts, RowFact } from '../../chaos/checks/facts.ts';
import { History } from '../../chaos/checks/history.ts';
import { NEMESES } from '../../chaos/nemeses/nemeses.ts';
import { chooseOperation, type Operation } from '../../chaos/workload/operations.ts';
import { createRandom } from '../../chaos/workload/random.ts';
import { quantile, renderReport, renderTable } from '../../chaos/report.ts';
import { Subscriber } from '../../chaos/workload/subscriber.ts';

const SHOWN = {
  id: 'a',
  userId: 'alice',
  enabled: true,
  vmlabel: 'one',
  status: 'RUNNING',
  changeUndone: false,
  specs: { storage: true },
  secrets: [
    { key: 'KEY_0', value: 'secret' },
    { key: 'VM_PASSWORD', value: 'password' },
  ],
  networking: [{ name: 'web', internalPort: 80 }],
};
const ROW: RowFact = {
  id: 'a',
  userId: 'alice',
  enabled: true,
  deleting: false,
  status: 'RUNNING',
  failure: undefined,
  persistent: true,
  engineRef: 'c1',
  storageReady: true,
  storageEnforcement: 'HARD',
};
const CONTAINER: ContainerFact = {
  id: 'c1',
  name: 'swiftor-a',
  vmId: 'a',
  isLive: true,
  isPaused: false,
  state: 'running',
  startedAt: '2026-01-01',
  env: new Map([['KEY_0', 'secret']]),
};
const FILE = { name: 'i.a/primary.img', vmId: 'a' };
const VOLUME = { name: 'volume-a', vmId: 'a', isLasting: true, isImage: true };
/** One VM that runs, with everything that belongs to it. */
const GOOD: Facts = {
  rows: [ROW],
  accounts: [{ userId: 'alice', seq: 7 }],
  shown: [SHOWN],
  containers: [CONTAINER],
  volumes: [VOLUME],
  loops: [FILE],
  files: [FILE],
};
const PROMISED = expectAsShown(SHOWN, true);
const EXPECTED: Expectation = {
  vms: [PROMISED],
  unsureLabels: new Set(),
  forgotten: [],
  robbed: new Set(),
  subscribers: [{ userId: 'alice', transport: 'SSE', seen: 7, statuses: new Map([['a', 'RUNNING']]) }],
};
const OFF = {
  ...GOOD,
  rows: [{ ...ROW, enabled: false, status: 'STOPPED' }],
  shown: [{ ...SHOWN, enabled: false, status: 'STOPPED' }],
};
const STREAM = EXPECTED.subscribers.map((subscriber) => ({ ...subscriber, statuses: new Map<string, string>() }));
const EXPECTED_OFF = {
  ...EXPECTED,
  vms: [{ ...PROMISED, enabled: { value: false, unsure: [] } }],
  subscribers: STREAM,
};

describe('checkFacts', () => {
  it('finds nothing where everything fits, on or off', () => {
    expect(checkFacts(GOOD, EXPECTED)).toEqual([]);
    expect(checkFacts({ ...OFF, containers: [] }, EXPECTED_OFF)).toEqual([]);
  });

  const failed = {
    ...GOOD,
    rows: [{ ...ROW, status: 'FAILED', failure: 'DATA_LOST' }],
    shown: [{ ...SHOWN, status: 'FAILED' }],
    containers: [],
  };
  const cases: readonly [string, Facts, Expectation, string][] = [
    ['a VM that is gone', { ...GOOD, shown: [] }, EXPECTED, 'lost'],
    ['another label than was acknowledged', { ...GOOD, shown: [{ ...SHOWN, vmlabel: 'two' }] }, EXPECTED, 'lost'],
    ['a secret that was not kept', { ...GOOD, shown: [{ ...SHOWN, secrets: [] }] }, EXPECTED, 'lost'],
    ['a container without its secret', { ...GOOD, containers: [{ ...CONTAINER, env: new Map() }] }, EXPECTED, 'lost'],
    ['a VM that nobody created', GOOD, { ...EXPECTED, vms: [] }, 'zombie'],
    [
      'a VM that does not come up',
      { ...GOOD, rows: [{ ...ROW, status: 'BOOTING' }], shown: [{ ...SHOWN, status: 'BOOTING' }] },
      { ...EXPECTED, subscribers: STREAM },
      'status',
    ],
    ['RUNNING without a container', { ...GOOD, containers: [] }, EXPECTED, 'status'],
    [
      'RUNNING with a paused container',
      { ...GOOD, containers: [{ ...CONTAINER, isPaused: true }] },
      EXPECTED,
      'status',
    ],
    ['RUNNING in another container', { ...GOOD, rows: [{ ...ROW, engineRef: 'c2' }] }, EXPECTED, 'status'],
    ['a status that the row does not have', { ...GOOD, shown: [{ ...SHOWN, status: 'DEGRADED' }] }, EXPECTED, 'status'],
    ['a failure', failed, { ...EXPECTED, subscribers: STREAM }, 'status'],
    ['a container of a VM that is off', OFF, EXPECTED_OFF, 'zombie'],
    [
      'a container without a row',
      { ...GOOD, containers: [CONTAINER, { ...CONTAINER, id: 'c2', vmId: 'b' }] },
      EXPECTED,
      'zombie',
    ],
    ['two live containers', { ...GOOD, containers: [CONTAINER, { ...CONTAINER, id: 'c2' }] }, EXPECTED, 'double'],
    [
      'a dead container beside the live one',
      { ...GOOD, containers: [CONTAINER, { ...CONTAINER, id: 'c2', isLive: false }] },
      EXPECTED,
      'zombie',
    ],
    [
      'a container of a helper',
      { ...GOOD, containers: [CONTAINER, { ...CONTAINER, id: 'h', vmId: undefined }] },
      EXPECTED,
      'helper',
    ],
    ['a volume without a row', { ...GOOD, volumes: [VOLUME, { ...VOLUME, vmId: 'b' }] }, EXPECTED, 'zombie'],
    [
      'a passing volume of a VM that is off',
      { ...OFF, containers: [], volumes: [VOLUME, { ...VOLUME, isLasting: false }] },
      EXPECTED_OFF,
      'zombie',
    ],
    [
      'a trial volume',
      { ...GOOD, volumes: [VOLUME, { ...VOLUME, vmId: 'b', name: 'swiftor-trial-b' }] },
      EXPECTED,
      'helper',
    ],
    [
      'a loop device without a row',
      { ...GOOD, loops: [FILE, { name: 'i.b/primary.img', vmId: 'b' }] },
      EXPECTED,
      'helper',
    ],
    ['two loop devices on one file', { ...GOOD, loops: [FILE, FILE] }, EXPECTED, 'helper'],
    ['a lasting volume that is gone', { ...GOOD, volumes: [] }, EXPECTED, 'destroyed'],
    ['a file that is gone', { ...GOOD, files: [] }, EXPECTED, 'destroyed'],
    [
      'a volume of a forgotten VM that is gone',
      GOOD,
      { ...EXPECTED, forgotten: [{ id: 'b', volumes: ['volume-b'] }] },
      'destroyed',
    ],
    ['a subscriber that is behind', { ...GOOD, accounts: [{ userId: 'alice', seq: 8 }] }, EXPECTED, 'gap'],
    [
      'a subscriber that believes something else',
      GOOD,
      {
        ...EXPECTED,
        subscribers: EXPECTED.subscribers.map((each) => ({ ...each, statuses: new Map([['a', 'BOOTING']]) })),
      },
      'gap',
    ],
  ];
  it.each(cases)('finds %s', (_what, facts, expectation, kind) => {
    expect([...new Set(checkFacts(facts, expectation).map((each) => each.kind))]).toEqual([kind]);
  });

  it('allows a VM to have failed for data that a fault took, and what a restored database forgot', () => {
    expect(
      checkFacts(
        { ...failed, volumes: [], loops: [], files: [] },
        { ...EXPECTED, robbed: new Set(['a']), subscribers: STREAM },
      ),
    ).toEqual([]);
    const forgotten = [{ id: 'b', volumes: ['volume-b'] }];
    const kept = { ...GOOD, volumes: [VOLUME, { ...VOLUME, vmId: 'b', name: 'volume-b' }] };
    const containers = [CONTAINER, { ...CONTAINER, id: 'c2', vmId: 'b' }];
    expect(checkFacts({ ...kept, containers }, { ...EXPECTED, forgotten })).toEqual([]);
  });
});

describe('what is expected of a VM', () => {
  const rename = (label: string): Operation => ({ kind: 'rename', vmId: 'a', label });
  const after = (...steps: readonly [Operation, 'done' | 'refused' | 'unsure'][]): ExpectedVm =>
    steps.reduce((vm, [operation, outcome]) => applyOperation(vm, operation, outcome), PROMISED);
  const show = (vmlabel: string) => ({ ...SHOWN, vmlabel });

  it('is what was acknowledged last', () => {
    const vm = after([rename('two'), 'done'], [rename('three'), 'refused']);
    expect(findBrokenPromises(vm, show('two'))).toEqual([]);
    expect(findBrokenPromises(vm, show('one'))).toHaveLength(1);
    expect(findBrokenPromises(vm, show('three'))).toHaveLength(1);
  });

  it('may also be what an operation without an answer set, at any later time', () => {
    const vm = after([rename('two'), 'unsure'], [rename('three'), 'done']);
    expect(findBrokenPromises(vm, show('two'))).toEqual([]);
    expect(findBrokenPromises(vm, show('three'))).toEqual([]);
    expect(findBrokenPromises(vm, show('one'))).toHaveLength(1);
  });

  const changes: readonly [Operation, object][] = [
    [{ kind: 'stop', vmId: 'a' }, { enabled: false }],
    [{ kind: 'setSecret', vmId: 'a', key: 'KEY_0', value: 'new' }, { secrets: [{ key: 'KEY_0', value: 'new' }] }],
    [{ kind: 'deleteSecret', vmId: 'a', key: 'KEY_0' }, { secrets: [] }],
    [
      { kind: 'addSubdomain', vmId: 'a', name: 'api', port: 81 },
      { networking: [...SHOWN.networking, { name: 'api', internalPort: 81 }] },
    ],
    [{ kind: 'removeSubdomain', vmId: 'a', name: 'web' }, { networking: [] }],
  ];
  it.each(changes)('%j has its own trace', (operation, change) => {
    expect(findBrokenPromises(after([operation, 'done']), { ...SHOWN, ...change })).toEqual([]);
    expect(findBrokenPromises(after([operation, 'done']), SHOWN)).toHaveLength(1);
  });

  it('is gone once a deletion was acknowledged', () => {
    expect(findBrokenPromises(after([{ kind: 'delete', vmId: 'a' }, 'done']), undefined)).toEqual([]);
    expect(findBrokenPromises(after([{ kind: 'delete', vmId: 'a' }, 'done']), SHOWN)).toHaveLength(1);
  });
});

it('a healthy app whose container was replaced or restarted is found', () => {
  const before = findBystanders(GOOD, new Set(['a']));
  expect(before).toEqual([CONTAINER]);
  expect(checkBystanders(before, GOOD)).toEqual([]);
  expect(checkBystanders(before, { containers: [{ ...CONTAINER, id: 'c2' }] })).toHaveLength(1);
  expect(checkBystanders(before, { containers: [{ ...CONTAINER, startedAt: '2026-01-02' }] })).toHaveLength(1);
});

it.each([
  ['/graphql', 200, '{"data":{"me":1}}', 'done'],
  ['/graphql', 200, '{"errors":[{"extensions":{"code":"CONFLICT"}}]}', 'refused'],
  ['/graphql', 200, '{"errors":[{"extensions":{"code":"UNAVAILABLE"}}]}', 'unavailable'],
  ['/graphql', 500, '{"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}', 'wrong'],
  ['/vms', 200, '{"vms":[]}', 'done'],
  ['/vms', 503, '{"code":"UNAVAILABLE"}', 'unavailable'],
  ['/vms', 401, '{"code":"UNAUTHENTICATED"}', 'wrong'],
  ['/vms', 502, '<html>', 'wrong'],
])('an answer of %s with %i and %s is %s', (path, status, text, kind) => {
  expect(judge(path, status, text).kind).toBe(kind);
});

it('an answer that must not be is noted, and silence only of a gateway that nothing hit', () => {
  const history = new History();
  history.vms.set('a', PROMISED);
  const rename: Operation = { kind: 'rename', vmId: 'a', label: 'two' };
  history.note('alice', rename, { kind: 'silent', why: 'cut' }, true);
  expect(history.violations).toEqual([]);
  history.note('alice', rename, { kind: 'silent', why: 'cut' }, false);
  history.note('alice', rename, { kind: 'wrong', why: '500' }, true);
  history.note('alice', rename, { kind: 'refused', code: 'NOT_FOUND' }, false);
  expect(history.violations.map(({ kind }) => kind)).toEqual(['answer', 'answer', 'lost']);
});

it('a subscriber finds what is skipped and what comes twice', async () => {
  await using subscriber = new Subscriber({
    userId: 'alice',
    token: '',
    transport: 'SSE',
    findUrl: () => undefined,
    after: 3,
  });
  for (const seq of [4, 5, 5, 7]) subscriber.take({ seq: String(seq), kind: 'CHANGED', vmId: 'a', status: 'RUNNING' });
  subscriber.take({ seq: '7', kind: 'PROGRESS', vmId: 'a', status: 'PULLING' });
  subscriber.take({ seq: '9', kind: 'SNAPSHOT', vmId: 'a', status: 'STOPPED' });
  expect(subscriber.gaps).toEqual(['got 5 after 5', 'got 7 after 5', 'got a snapshot instead of the events after 7']);
  expect([subscriber.seen, subscriber.statuses.get('a')]).toEqual([9, 'STOPPED']);
});

it('operations are the same for the same seed, and gentle to bystanders', () => {
  const choose = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 50 }, () => chooseOperation(random, [PROMISED], 1)?.kind);
  };
  expect(choose(1)).toEqual(choose(1));
  expect(choose(1)).not.toEqual(choose(2));
  expect(new Set(choose(3))).toEqual(new Set(['rename', 'addSubdomain', 'removeSubdomain']));
});

it('the report has a line for each fault and the total', () => {
  const round = {
    acknowledged: 5,
    starts: 1,
    kills: 1,
    readTimes: [10, 20],
    violations: [{ kind: 'lost' as const, what: '' }],
  };
  const report = renderReport([
    { ...round, nemesis: 'x', convergedMs: 1_000 },
    { ...round, nemesis: 'x', convergedMs: undefined },
  ]);
  const [header = '', line = '', total = ''] = report.split('\n').map((each) => each.trim().split(/ {2,}/).join('|'));
  expect(header.split('|').slice(0, 6)).toEqual(['fault', 'rounds', 'starts', 'kills', 'operations', 'lost']);
  expect(line).toMatch(/^x\|2\|2\|2\|10\|2\|.*\|1\.0\|never\|20$/);
  expect(total).toMatch(/^total\|2\|/);
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2);
  expect(
    renderTable([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
  ).toBe('a    bb\nccc   d');
});

it('each fault has a name of its own', () => {
  expect([...NEMESES].every(([name, nemesis]) => name === nemesis.name)).toBe(true);
  expect(NEMESES.size).toBeGreaterThanOrEqual(35);
});
