import { expect, it } from 'vitest';
import { EngineError } from '../../../src/engine/engine-error.ts';
import {
  isolationAfterError,
  toEngineHealth,
  withDisk,
  withNodes,
  withOrphans,
} from '../../../src/reconciler/watch/engine/engine-health.ts';

it.each([
  [false, 'isolated', 'unreachable', 'ENGINE_UNREACHABLE'],
  [true, undefined, 'ok', undefined],
  [true, 'isolated', 'ok', undefined],
  [true, 'open', 'OPEN, for VM_ISOLATION=off: VMs reach each other, the host and private networks', undefined],
  [true, { failure: 'no iptables' }, 'isolation failed: no iptables', 'ISOLATION_FAILED'],
] as const)(
  'the health of an engine that answers (%s) with isolation %j',
  (isAnswering, isolation, summary, problem) => {
    expect(toEngineHealth(isAnswering, isolation)).toEqual({
      summary,
      canStart: problem === undefined,
      ...(problem && { problem }),
    });
  },
);

it('an engine whose host cannot hold a limit starts VMs, and its health names the limit', () => {
  const isolation = { unheld: ['fs.file-max (5; set it to 9 with sysctl)'] };
  expect(toEngineHealth(true, isolation)).toEqual({
    summary: 'one VM can use up what all on its host share: fs.file-max (5; set it to 9 with sysctl)',
    canStart: true,
    unheld: 1,
  });
});

it('an engine whose disk is full starts nothing new, and other problems take precedence', () => {
  const ok = toEngineHealth(true, 'isolated');
  expect(withDisk(ok, false)).toEqual(ok);
  expect(withDisk(ok, true)).toEqual({
    summary: expect.stringContaining('DISK_WATERMARK'),
    canStart: false,
    problem: 'NO_SPACE',
  });
  expect(withDisk(toEngineHealth(false, undefined), true)).toEqual(toEngineHealth(false, undefined));
});

it('an engine that does not answer keeps its isolation state, and one that refuses isolation has failed', () => {
  expect(isolationAfterError(new EngineError('ENGINE_TIMEOUT', 'slow'), 'isolated')).toBe('isolated');
  expect(isolationAfterError(new EngineError('ISOLATION_FAILED', 'no iptables'), 'isolated')).toEqual({
    failure: 'no iptables',
  });
});

it.each([
  ['ok', 0, 'ok'],
  ['ok', 1, '1 of its VMs is not in the database and kept: see swiftor orphans list'],
  ['unreachable', 2, 'unreachable; 2 of its VMs are not in the database and kept: see swiftor orphans list'],
])('the summary of an engine that is %s names its %i orphans', (summary, count, said) => {
  for (const canStart of [true, false])
    expect(withOrphans({ summary, canStart }, count)).toEqual({ summary: said, canStart });
});

it('the summary names the nodes of a cluster that are away or cannot isolate VMs, and VMs can start on the others', () => {
  const node = (name: string, more: object = {}) => {
    return { name, isThere: true, availability: 'active', machines: 0, ...more } as const;
  };
  const health = { summary: 'ok', canStart: true };
  expect(withNodes(health, [])).toEqual(health);
  expect(withNodes(health, [node('n1'), node('n2', { availability: 'drain' })])).toEqual(health);
  const nodes = [node('n1'), node('n2', { isThere: false }), node('n3', { problem: 'no iptables' })];
  expect(withNodes(health, nodes)).toEqual({
    summary: 'nodes that are not there: n2; nodes that cannot isolate VMs and take none: n3',
    canStart: true,
  });
});
