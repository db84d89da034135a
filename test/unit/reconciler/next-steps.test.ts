import { describe, expect, it } from 'vitest';
import { MACHINE_STATES, type Observation } from '../../../src/engine/machine.ts';
import { canUndo, nextSteps, type Desired, type Step } from '../../../src/reconciler/plan/next-steps.ts';
import { VM_STATUSES, type VmStatus } from '../../../src/vm/vm-status.ts';

const HASH = 'wanted';
const seen = (state: Observation['state'], more: Partial<Observation> = {}): Observation => {
  return { id: 'vm', ref: 'container', hash: HASH, state, oomKilled: false, ...more };
};

/** What the engine can show of a VM. */
const OBSERVATIONS = {
  absent: undefined,
  created: seen('created'),
  running: seen('running', { address: '10.0.0.2' }),
  'running another hash': seen('running', { address: '10.0.0.2', hash: 'old' }),
  'running without address': seen('running'),
  paused: seen('paused'),
  'exited 0': seen('exited', { exitCode: 0 }),
  'exited 137 oom': seen('exited', { exitCode: 137, oomKilled: true }),
  'exited another hash': seen('exited', { exitCode: 1, hash: 'old' }),
  dead: seen('dead'),
  // A replacement, from its beginning to its end, and back.
  'old running, new created': seen('running', {
    address: '10.0.0.2',
    hash: 'old',
    others: [{ hash: HASH, state: 'created' }],
  }),
  'new created, old exited': seen('created', { others: [{ hash: 'old', state: 'exited' }] }),
  'new running, old exited': seen('running', { address: '10.0.0.3', others: [{ hash: 'old', state: 'exited' }] }),
  'new exited, old exited': seen('exited', { exitCode: 3, others: [{ hash: 'old', state: 'exited' }] }),
  'both running': seen('running', { address: '10.0.0.3', others: [{ hash: 'old', state: 'running' }] }),
  'old running': seen('running', { address: '10.0.0.2', hash: 'old' }),
  'old exited': seen('exited', { exitCode: 3, hash: 'old' }),
} as const satisfies Record<string, Observation | undefined>;
const BLANK = {
  persistent: false,
  storageReady: false,
  retryInSeconds: 0,
  answeredHash: null,
  undoneHash: null,
  isPastScratch: false,
  hasRoom: true,
} as const satisfies Partial<Desired>;
type Observed = keyof typeof OBSERVATIONS;

const plan = (
  goal: Desired['goal'],
  status: VmStatus,
  observed: Observed,
  more: Partial<Desired> = {},
): readonly Step[] => nextSteps({ ...BLANK, goal, hash: HASH, status, ...more }, OBSERVATIONS[observed]);

/** One word a step, as a reader would say it: `show QUEUED ENGINE`, `remove until-stop`. */
function words(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    switch (step.step) {
      case 'show':
        return `show ${step.status} ${step.reason}`;
      case 'remove':
        return ['remove', ...step.volumes].join(' ');
      case 'wait':
        return `wait ${step.seconds}`;
      case 'failExited':
        return `failExited ${step.exitCode} ${step.oomKilled}`;
      case 'failPastScratch':
      case 'failNoRoom':
      case 'prepareStorage':
      case 'ensure':
      case 'revert':
      case 'removeOthers':
      case 'awaitAnswer':
      case 'checkAnswer':
      case 'stop':
      case 'rest':
      case 'forget':
        return step.step;
    }
  });
}

it('an app that answered before an outage of its engine is checked once and does not boot again', () => {
  expect(words(plan('on', 'UNKNOWN', 'running', { answeredHash: HASH }))).toEqual(['checkAnswer']);
  expect(words(plan('on', 'BOOTING', 'running', { answeredHash: HASH }))).toEqual(['awaitAnswer']);
  // What answered was the container before this one.
  expect(words(plan('on', 'UNKNOWN', 'running', { answeredHash: 'old' }))).toEqual(['awaitAnswer']);
});

const UP = ['ensure', 'awaitAnswer'];
const DOWN = ['remove until-stop', 'rest'];
const GONE = ['remove until-stop until-delete', 'forget'];

it.each<[VmStatus, Observed, string[]]>([
  ['STOPPED', 'absent', ['show QUEUED ENGINE', ...UP]],
  ['QUEUED', 'absent', UP],
  ['PULLING', 'absent', UP],
  ['STARTING', 'absent', UP],
  ['BOOTING', 'absent', UP],
  ['RUNNING', 'absent', ['show QUEUED ENGINE', ...UP]],
  ['DEGRADED', 'absent', ['show QUEUED ENGINE', ...UP]],
  ['STOPPING', 'absent', ['show QUEUED ENGINE', ...UP]],
  ['FAILED', 'absent', ['show QUEUED BOOT', ...UP]],
  ['UNKNOWN', 'absent', ['show QUEUED ENGINE', ...UP]],
  ['QUEUED', 'created', UP],
  ['RUNNING', 'created', ['show QUEUED ENGINE', ...UP]],
  ['QUEUED', 'running', ['awaitAnswer']],
  ['BOOTING', 'running', ['awaitAnswer']],
  ['UNKNOWN', 'running', ['awaitAnswer']],
  ['STOPPING', 'running', ['awaitAnswer']],
  ['FAILED', 'running', ['awaitAnswer']],
  ['RUNNING', 'running', ['checkAnswer']],
  ['DEGRADED', 'running', ['checkAnswer']],
  ['QUEUED', 'running another hash', UP],
  ['RUNNING', 'running another hash', ['show QUEUED UPDATE', ...UP]],
  ['DEGRADED', 'running another hash', ['show QUEUED UPDATE', ...UP]],
  ['FAILED', 'running another hash', ['show QUEUED BOOT', ...UP]],
  ['RUNNING', 'running without address', ['show QUEUED ENGINE', 'stop', 'remove', ...UP]],
  ['BOOTING', 'running without address', ['stop', 'remove', ...UP]],
  ['BOOTING', 'paused', UP],
  ['RUNNING', 'paused', ['show QUEUED ENGINE', ...UP]],
  ['STARTING', 'exited 0', ['failExited 0 false']],
  ['BOOTING', 'exited 0', ['failExited 0 false']],
  ['RUNNING', 'exited 0', ['failExited 0 false']],
  ['RUNNING', 'exited 137 oom', ['failExited 137 true']],
  ['DEGRADED', 'exited 137 oom', ['failExited 137 true']],
  ['RUNNING', 'exited another hash', ['show QUEUED UPDATE', ...UP]],
  ['QUEUED', 'exited 0', UP],
  ['FAILED', 'exited 137 oom', ['show QUEUED BOOT', ...UP]],
  ['UNKNOWN', 'exited 0', ['show QUEUED BOOT', ...UP]],
  ['RUNNING', 'dead', ['failExited undefined false']],
  ['QUEUED', 'dead', UP],
])('the plan of a VM that should be on, is %s and observed %s', (status, observed, expected) => {
  expect(words(plan('on', status, observed))).toEqual(expected);
});

const BACK = ['revert', 'awaitAnswer'];

describe('a replacement that was interrupted', () => {
  it.each<[VmStatus, Observed, string[]]>([
    ['RUNNING', 'old running', ['show QUEUED UPDATE', ...UP]],
    ['QUEUED', 'old running, new created', UP],
    ['STARTING', 'new created, old exited', UP],
    ['BOOTING', 'new running, old exited', ['awaitAnswer']],
    ['BOOTING', 'new exited, old exited', ['failExited 3 false']],
    ['QUEUED', 'new exited, old exited', UP],
    ['BOOTING', 'both running', UP],
    ['RUNNING', 'both running', ['show QUEUED ENGINE', ...UP]],
  ])('continues: %s, %s', (status, observed, expected) => {
    expect(words(plan('on', status, observed, { answeredHash: 'old' }))).toEqual(expected);
  });

  it('ends with the removal of the container that it has replaced', () => {
    expect(words(plan('on', 'RUNNING', 'new running, old exited', { answeredHash: HASH }))).toEqual([
      'removeOthers',
      'checkAnswer',
    ]);
    expect(words(plan('on', 'DEGRADED', 'new running, old exited', { answeredHash: HASH }))).toEqual([
      'removeOthers',
      'checkAnswer',
    ]);
  });

  it.each<[VmStatus, Observed, string[]]>([
    ['QUEUED', 'new exited, old exited', BACK],
    ['QUEUED', 'new running, old exited', BACK],
    ['QUEUED', 'new created, old exited', BACK],
    ['QUEUED', 'old running, new created', ['awaitAnswer']],
    ['QUEUED', 'old exited', BACK],
    ['QUEUED', 'old running', ['awaitAnswer']],
    ['BOOTING', 'both running', BACK],
    ['RUNNING', 'old running', ['checkAnswer']],
    ['RUNNING', 'old running, new created', ['removeOthers', 'checkAnswer']],
    ['UNKNOWN', 'old running', ['checkAnswer']],
    ['STARTING', 'old exited', ['failExited 3 false']],
    ['RUNNING', 'old exited', ['failExited 3 false']],
    // It had run for a while, and ended: it is what is tried again, not the change.
    ['FAILED', 'old exited', ['show QUEUED BOOT', ...BACK]],
    // With nothing to go back to, the change is all that is left to try.
    ['RUNNING', 'absent', ['show QUEUED ENGINE', ...UP]],
    ['QUEUED', 'exited 0', UP],
  ])('goes back and is not tried again after an undo: %s, %s', (status, observed, expected) => {
    expect(words(plan('on', status, observed, { answeredHash: 'old', undoneHash: HASH }))).toEqual(expected);
  });

  it('is tried again after an undo once the desire changes', () => {
    const more = { answeredHash: 'old', undoneHash: 'undone' };
    expect(words(plan('on', 'RUNNING', 'old running', more))).toEqual(['show QUEUED UPDATE', ...UP]);
  });

  it.each<[boolean, string, Observed, Partial<Desired>]>([
    [true, 'the container that answered is still there', 'new exited, old exited', { answeredHash: 'old' }],
    [true, 'it still runs, since the new one could not be made', 'old running', { answeredHash: 'old' }],
    [false, 'it is gone', 'exited 0', { answeredHash: 'old' }],
    [false, 'nothing is there', 'absent', { answeredHash: 'old' }],
    [false, 'none had answered', 'new exited, old exited', { answeredHash: null }],
    [false, 'the one that ended had answered itself', 'exited 0', { answeredHash: HASH }],
    [false, 'this change was undone before', 'new exited, old exited', { answeredHash: 'old', undoneHash: HASH }],
    [true, 'another change was undone before', 'new exited, old exited', { answeredHash: 'old', undoneHash: 'undone' }],
  ])('can be undone: %s, %s', (expected, _what, observed, more) => {
    expect(canUndo({ hash: HASH, answeredHash: null, undoneHash: null, ...more }, OBSERVATIONS[observed])).toBe(
      expected,
    );
  });
});

it.each<[VmStatus, Observed, string[]]>([
  ['STOPPED', 'absent', []],
  ['STOPPING', 'absent', DOWN],
  ['FAILED', 'absent', ['show STOPPING ENGINE', ...DOWN]],
  ['UNKNOWN', 'absent', ['show STOPPING ENGINE', ...DOWN]],
  ['STOPPING', 'running', ['stop', ...DOWN]],
  ['STOPPING', 'running another hash', ['stop', ...DOWN]],
  ['STOPPING', 'exited 137 oom', ['stop', ...DOWN]],
  ['STOPPING', 'created', ['stop', ...DOWN]],
  ['STOPPED', 'running', ['show STOPPING ENGINE', 'stop', ...DOWN]],
  ['STOPPED', 'dead', ['show STOPPING ENGINE', 'stop', ...DOWN]],
  ['FAILED', 'paused', ['show STOPPING ENGINE', 'stop', ...DOWN]],
])('the plan of a VM that should be off, is %s and observed %s', (status, observed, expected) => {
  expect(words(plan('off', status, observed))).toEqual(expected);
});

it.each<[VmStatus, Observed, string[]]>([
  ['DELETING', 'absent', GONE],
  ['DELETING', 'running', ['stop', ...GONE]],
  ['DELETING', 'dead', ['stop', ...GONE]],
  ['UNKNOWN', 'absent', ['show DELETING USER', ...GONE]],
  ['FAILED', 'exited 0', ['show DELETING USER', 'stop', ...GONE]],
])('the plan of a VM that should be gone, is %s and observed %s', (status, observed, expected) => {
  expect(words(plan('gone', status, observed))).toEqual(expected);
});

it('the volumes of a VM that is off are created once, and only if it is persistent', () => {
  expect(words(plan('off', 'STOPPED', 'absent', { persistent: true, storageReady: false }))).toEqual([
    'prepareStorage',
  ]);
  expect(plan('off', 'STOPPED', 'absent', { persistent: true, storageReady: true })).toEqual([]);
  expect(plan('off', 'STOPPED', 'absent', { persistent: false, storageReady: false })).toEqual([]);
  expect(words(plan('off', 'STOPPING', 'absent', { persistent: true, storageReady: false }))).toEqual(DOWN);
});

it('a failed VM is left alone until its next try, whatever is observed, and none of its containers runs', () => {
  const waiting = (observed: Observed) => words(plan('on', 'FAILED', observed, { retryInSeconds: 7 }));
  for (const observed of ['absent', 'created', 'exited 0', 'exited 137 oom', 'exited another hash', 'dead'] as const) {
    expect([observed, waiting(observed)]).toEqual([observed, ['wait 7']]);
  }
  for (const observed of ['running', 'running another hash', 'running without address', 'paused'] as const) {
    expect([observed, waiting(observed)]).toEqual([observed, ['stop', 'wait 7']]);
  }
  // Its owner's last word is followed at once.
  expect(words(plan('off', 'FAILED', 'absent', { retryInSeconds: 7 }))).toEqual(words(plan('off', 'FAILED', 'absent')));
  expect(words(plan('gone', 'FAILED', 'absent', { retryInSeconds: 7 }))).toEqual(
    words(plan('gone', 'FAILED', 'absent')),
  );
});

it('a full disk takes no new container, and a VM that has one comes up', () => {
  const full = (status: VmStatus, observed: Observed) => words(plan('on', status, observed, { hasRoom: false }));
  for (const status of ['QUEUED', 'RUNNING', 'FAILED', 'UNKNOWN'] as const)
    expect(full(status, 'absent')).toEqual(['failNoRoom']);
  for (const observed of [
    'created',
    'running',
    'running another hash',
    'running without address',
    'paused',
    'exited 0',
    'dead',
  ] as const) {
    expect([observed, full('RUNNING', observed)]).toEqual([observed, words(plan('on', 'RUNNING', observed))]);
  }
  expect(words(plan('off', 'STOPPED', 'absent', { hasRoom: false, persistent: true }))).toEqual(['prepareStorage']);
  expect(words(plan('gone', 'DELETING', 'absent', { hasRoom: false }))).toEqual(GONE);
});

it('a running app that wrote more than it may is stopped and not retried automatically', () => {
  const past = (status: VmStatus, observed: Observed, more: Partial<Desired> = {}) =>
    words(plan('on', status, observed, { isPastScratch: true, ...more }));
  for (const status of ['BOOTING', 'RUNNING', 'DEGRADED', 'UNKNOWN'] as const) {
    expect(past(status, 'running')).toEqual(['failPastScratch']);
  }
  expect(past('FAILED', 'exited 0', { retryInSeconds: Infinity })).toEqual(['wait Infinity']);
  // Its owner starts it again, to clean up.
  expect(past('QUEUED', 'exited 0')).toEqual(UP);
  expect(words(plan('off', 'FAILED', 'exited 0', { isPastScratch: true }))).toEqual([
    'show STOPPING ENGINE',
    'stop',
    ...DOWN,
  ]);
});

describe('any combination of desire, status and observation', () => {
  const observations = [
    undefined,
    ...MACHINE_STATES.flatMap((state) =>
      [HASH, 'old'].flatMap((hash) => [seen(state, { hash }), seen(state, { hash, address: '10.0.0.2' })]),
    ),
    ...Object.values(OBSERVATIONS),
  ];
  const memories = [null, HASH, 'old'].flatMap((answeredHash) =>
    [null, HASH, 'undone'].map((undoneHash) => ({ answeredHash, undoneHash })),
  );
  const product = (['on', 'off', 'gone'] as const).flatMap((goal) =>
    VM_STATUSES.flatMap((status) =>
      observations.flatMap((observed) =>
        [true, false].flatMap((persistent) =>
          [true, false].flatMap((storageReady) =>
            memories.map((memory) => {
              const desired: Desired = { ...BLANK, goal, hash: HASH, persistent, storageReady, status, ...memory };
              return { desired, observed, steps: nextSteps(desired, observed) };
            }),
          ),
        ),
      ),
    ),
  );
  const broken = (goal: Desired['goal'], holds: (each: (typeof product)[number]) => boolean) =>
    product
      .filter((each) => each.desired.goal === goal && !holds(each))
      .map(({ desired, observed, steps }) => `${desired.status}, ${observed?.state}: ${words(steps).join(', ')}`);
  const has = (steps: readonly Step[], name: Step['step']) => steps.some(({ step }) => step === name);
  const brings = (steps: readonly Step[]) => has(steps, 'ensure') || has(steps, 'revert');

  it('a VM that should be gone ends with nothing on the engine and no row', () => {
    expect(broken('gone', ({ steps }) => words(steps.slice(-2)).join() === GONE.join())).toEqual([]);
  });

  it('a VM that should be off is never brought up and keeps its lasting volumes', () => {
    expect(broken('off', ({ steps }) => !brings(steps) && !has(steps, 'awaitAnswer'))).toEqual([]);
    expect(
      broken(
        'off',
        ({ steps }) => !steps.some((step) => step.step === 'remove' && step.volumes.includes('until-delete')),
      ),
    ).toEqual([]);
  });

  it('a container is stopped before it is removed, so its grace is never cut short', () => {
    const stopsFirst = (steps: readonly Step[]) => {
      const names = steps.map(({ step }) => step);
      return names.includes('stop') && names.indexOf('stop') < names.indexOf('remove');
    };
    for (const goal of ['on', 'off', 'gone'] as const) {
      expect(
        broken(goal, ({ observed, steps }) => observed === undefined || !has(steps, 'remove') || stopsFirst(steps)),
      ).toEqual([]);
    }
  });

  it('a VM that should be on loses no volume', () => {
    expect(
      broken('on', ({ steps }) => steps.every((step) => step.step !== 'remove' || step.volumes.length === 0)),
    ).toEqual([]);
  });

  it('a VM that runs as desired is only checked for an answer', () => {
    const asWanted = product.filter(
      ({ desired, observed }) =>
        desired.goal === 'on' &&
        desired.status === 'RUNNING' &&
        observed?.state === 'running' &&
        observed.hash === HASH &&
        observed.address !== undefined &&
        observed.others === undefined &&
        desired.undoneHash !== HASH,
    );
    expect(asWanted).toHaveLength(48);
    for (const { steps } of asWanted) expect(steps).toEqual([{ step: 'checkAnswer' }]);
  });

  it('every container that is brought up is waited for at once', () => {
    const waitedFor = (steps: readonly Step[]) =>
      steps.every(
        ({ step }, index) => (step !== 'ensure' && step !== 'revert') || steps[index + 1]?.step === 'awaitAnswer',
      );
    expect(broken('on', ({ steps }) => waitedFor(steps))).toEqual([]);
  });

  it('two containers of one VM are never left running together', () => {
    const both = ({ observed }: (typeof product)[number]) =>
      observed?.others?.some(({ state }) => state === 'running') === true;
    expect(broken('on', (each) => !both(each) || brings(each.steps))).toEqual([]);
    expect(broken('off', (each) => !both(each) || has(each.steps, 'stop'))).toEqual([]);
  });

  it('only a container that is up ends the one kept for an undo', () => {
    expect(broken('on', ({ observed, steps }) => !has(steps, 'removeOthers') || observed?.state === 'running')).toEqual(
      [],
    );
  });

  it('an app that is being replaced is not shown as RUNNING, DEGRADED or STOPPED', () => {
    const claims: readonly VmStatus[] = ['RUNNING', 'DEGRADED', 'STOPPED', 'STOPPING', 'FAILED', 'UNKNOWN'];
    const announced = ({ desired, steps }: (typeof product)[number]) =>
      !claims.includes(desired.status) || !brings(steps) || words(steps)[0]?.startsWith('show QUEUED') === true;
    expect(broken('on', announced)).toEqual([]);
  });

  it('no plan writes the status that the row already has', () => {
    for (const goal of ['on', 'off', 'gone'] as const) {
      expect(
        broken(goal, ({ desired, steps }) =>
          steps.every((step) => step.step !== 'show' || step.status !== desired.status),
        ),
      ).toEqual([]);
    }
  });

  it('only a VM that is off and should be off has an empty plan', () => {
    expect(broken('on', ({ steps }) => steps.length > 0)).toEqual([]);
    expect(broken('gone', ({ steps }) => steps.length > 0)).toEqual([]);
    expect(
      broken(
        'off',
        ({ desired, observed, steps }) => steps.length > 0 || (desired.status === 'STOPPED' && observed === undefined),
      ),
    ).toEqual([]);
  });
});
