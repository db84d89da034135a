import { describe, expect, it } from 'vitest';
import type { Place, PlaceRequest } from '../../../../src/engine/placer.ts';
import {
  constraints,
  reservations,
  seatService,
  toPlace,
  type Seat,
  type Task,
} from '../../../../src/engine/swarm/seat-service.ts';
import { adapt } from '../../../../src/engine/swarm/swarm-placer.ts';

const GB = 2 ** 30;
const SETTINGS = { installationId: 'i', image: 'sha256:1', region: 'AU', cpuOvercommit: 4, maxCores: 8 };
const REQUEST: PlaceRequest = { id: 'vm', memoryBytes: 4 * GB, cpu: 2, pin: undefined, avoid: [], unfit: [] };

/** The seat as the engine tells it after it was made. */
function seat(request: Partial<PlaceRequest> = {}, replicas = 1, labels: Record<string, string> = {}): Seat {
  const service = seatService({ ...REQUEST, ...request }, SETTINGS);
  const Spec = { ...service, Labels: { ...service.Labels, ...labels }, Mode: { Replicated: { Replicas: replicas } } };
  return { ID: 's', Version: { Index: 1 }, Spec };
}
const task = (more: Partial<Task> = {}): Task => {
  return {
    ServiceID: 's',
    NodeID: 'n1',
    DesiredState: 'running',
    CreatedAt: '1',
    Status: { State: 'running' },
    ...more,
  };
};
const DATA = { 'io.swiftor.seat-data': 'n1' };

it('a seat takes the memory of its machine, and a share of its cores that some node has', () => {
  expect(reservations(REQUEST, SETTINGS)).toEqual({ MemoryBytes: 4 * GB, NanoCPUs: 5e8 });
  expect(reservations({ ...REQUEST, cpu: 1000 }, SETTINGS).NanoCPUs).toBe(8e9);
  // What the engine accepts at least.
  const least = reservations({ ...REQUEST, memoryBytes: 1, cpu: 0.001 }, SETTINGS);
  expect(least).toEqual({ MemoryBytes: 4 * 2 ** 20, NanoCPUs: 1e6 });
});

it.each([
  [{ region: undefined }, []],
  [{ region: 'AU' }, ['node.labels.region==AU']],
  [{ region: 'AU', avoid: ['n3'] }, ['node.labels.region==AU', 'node.id!=n3']],
  // The data decides.
  [{ region: 'AU', pin: 'n3', avoid: ['n3'] }, ['node.labels.region==AU', 'node.id==n3']],
])('constraints of %j', (given, expected) => {
  expect(constraints(given)).toEqual(expected);
});

describe('the place of a machine', () => {
  it.each<[string, Seat, Task[], Place]>([
    ['off, with data', seat({ pin: 'n1' }, 0, DATA), [task()], { isLasting: true, pin: 'n1' }],
    ['without a task', seat(), [], { isLasting: false }],
    ['with a task', seat(), [task()], { isLasting: false, nodeId: 'n1' }],
    ['assigned, not started', seat(), [task({ Status: { State: 'assigned' } })], { isLasting: false, nodeId: 'n1' }],
    [
      'waiting for room',
      seat(),
      [task({ NodeID: '', Status: { State: 'pending', Err: 'no suitable node' } })],
      { isLasting: false, problem: 'no suitable node' },
    ],
    [
      'moved',
      seat(),
      [task({ DesiredState: 'shutdown' }), task({ NodeID: 'n2', CreatedAt: '2' })],
      { isLasting: false, nodeId: 'n2' },
    ],
    ['whose task failed', seat(), [task({ Status: { State: 'failed' } })], { isLasting: false }],
    ['pinned', seat({ pin: 'n1' }, 1, DATA), [task()], { isLasting: true, pin: 'n1', nodeId: 'n1' }],
  ])('%s', (_what, given, tasks, expected) => {
    expect(toPlace(given, tasks)).toEqual(expected);
  });
});

describe('a seat that is there already', () => {
  const on: Place = { nodeId: 'n1', isLasting: false };
  const nowhere: Place = { isLasting: false };
  const constraintsOf = (spec: object | undefined) =>
    (spec as Seat['Spec'] | undefined)?.TaskTemplate.Placement?.Constraints;

  it('stays as it is while it has a node, whatever should be avoided now', () => {
    expect(adapt(seat(), on, REQUEST, SETTINGS)).toBeUndefined();
    expect(adapt(seat(), on, { ...REQUEST, avoid: ['n1'] }, SETTINGS)).toBeUndefined();
  });

  it('leaves a node on which nothing can start, unless its data is there', () => {
    const unfit = { ...REQUEST, avoid: ['n1'], unfit: ['n1'] };
    const elsewhere = ['node.labels.region==AU', 'node.id!=n1'];
    expect(constraintsOf(adapt(seat(), on, unfit, SETTINGS))).toEqual(elsewhere);
    expect(constraintsOf(adapt(seat({ pin: 'n1' }), on, unfit, SETTINGS))).toEqual(elsewhere);
    expect(adapt(seat({ pin: 'n1' }, 1, DATA), on, { ...unfit, pin: 'n1' }, SETTINGS)).toBeUndefined();
  });

  it('looks elsewhere while it has none', () => {
    const changed = adapt(seat(), nowhere, { ...REQUEST, avoid: ['n3'] }, SETTINGS);
    expect(constraintsOf(changed)).toEqual(['node.labels.region==AU', 'node.id!=n3']);
    expect(adapt(seat({ avoid: ['n3'] }), nowhere, { ...REQUEST, avoid: ['n3'] }, SETTINGS)).toBeUndefined();
  });

  it('takes another size on the node that it has', () => {
    const changed = adapt(seat(), on, { ...REQUEST, memoryBytes: 8 * GB }, SETTINGS);
    expect(constraintsOf(changed)).toEqual(['node.labels.region==AU', 'node.id==n1']);
    expect(changed).toMatchObject({ TaskTemplate: { Resources: { Reservations: { MemoryBytes: 8 * GB } } } });
  });

  it('is taken again where its data is', () => {
    const changed = adapt(seat({ pin: 'n1' }, 0, DATA), nowhere, { ...REQUEST, pin: 'n1' }, SETTINGS);
    expect(changed).toMatchObject({ Mode: { Replicated: { Replicas: 1 } } });
    expect(constraintsOf(changed)).toEqual(['node.labels.region==AU', 'node.id==n1']);
  });
});
