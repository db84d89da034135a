import { describe, expect, it } from 'vitest';
import {
  byPriority,
  observeInspected,
  observeListed,
  type InspectedContainer,
  type ListedContainer,
} from '../../../../src/engine/docker/containers/observe-container.ts';
import { observeDisconnect, observeEvent } from '../../../../src/engine/docker/observe/observe-event.ts';
import { isAfterEnd, toMachineStats } from '../../../../src/engine/docker/observe/machine-stats.ts';
import { LABEL } from '../../../../src/engine/labels.ts';

const Labels = { [LABEL.installation]: 'inst', [LABEL.machine]: 'vm', [LABEL.hash]: 'hash' };
const NetworkSettings = { Networks: { 'swiftor-vms': { IPAddress: '172.18.0.2' } } };
const inspected = (
  State: InspectedContainer['State'],
  overrides: Partial<InspectedContainer> = {},
): InspectedContainer => {
  return { Id: 'ref', Config: { Labels }, State, NetworkSettings, ...overrides };
};

const seenEnded = (ExitCode: number, OOMKilled: boolean) =>
  observeInspected(inspected({ Status: 'exited', ExitCode, OOMKilled }), 'inst');

describe('an inspected container', () => {
  it('that runs has an address and a start, and no exit code', () => {
    const State = {
      Status: 'running',
      Running: true,
      ExitCode: 0,
      OOMKilled: false,
      Error: '',
      StartedAt: '2026-01-02T03:04:05.678901234Z',
    };
    expect(observeInspected(inspected(State), 'inst')).toEqual({
      id: 'vm',
      ref: 'ref',
      hash: 'hash',
      state: 'running',
      address: '172.18.0.2',
      oomKilled: false,
      startedAt: new Date('2026-01-02T03:04:05.678Z'),
    });
  });

  it('has the image that its labels tell, or in an older one the reference that it was created with', () => {
    const State = { Status: 'running', Running: true };
    const told = {
      ...Labels,
      [LABEL.image]: 'local/a:1',
      [LABEL.imageDigest]: 'sha256:2',
      [LABEL.standInFor]: 'lscr.io/a:1',
    };
    const imageOf = (Config: InspectedContainer['Config']) =>
      observeInspected(inspected(State, { Image: 'sha256:1', Config }), 'inst')?.image;
    expect(imageOf({ Image: 'sha256:1', Labels: told })).toEqual({
      reference: 'local/a:1',
      id: 'sha256:1',
      digest: 'sha256:2',
      standInFor: 'lscr.io/a:1',
    });
    expect(imageOf({ Image: 'lscr.io/a:1', Labels })).toEqual({ reference: 'lscr.io/a:1', id: 'sha256:1' });
  });

  it('that never started has no start', () => {
    const State = { Status: 'created', ExitCode: 127, Error: 'no such file', StartedAt: '0001-01-01T00:00:00Z' };
    expect(observeInspected(inspected(State), 'inst')).toEqual({
      id: 'vm',
      ref: 'ref',
      hash: 'hash',
      state: 'created',
      oomKilled: false,
      error: 'no such file',
    });
  });

  it('that ended has its exit code, 0 too, and says whether memory ran out', () => {
    expect(seenEnded(0, false)).toMatchObject({ state: 'exited', exitCode: 0, oomKilled: false });
    expect(seenEnded(137, true)).toMatchObject({ state: 'exited', exitCode: 137, oomKilled: true });
    expect(seenEnded(137, true)).not.toHaveProperty('address');
  });

  it('that is paused, or off its network, has no address', () => {
    expect(observeInspected(inspected({ Status: 'paused', Running: true }), 'inst')).not.toHaveProperty('address');
    const cut = inspected({ Status: 'running', Running: true }, { NetworkSettings: { Networks: {} } });
    expect(observeInspected(cut, 'inst')).not.toHaveProperty('address');
    const elsewhere = inspected(
      { Status: 'running' },
      { NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } } } },
    );
    expect(observeInspected(elsewhere, 'inst')).not.toHaveProperty('address');
  });

  it('in a state that is not known yet counts by whether it runs', () => {
    expect(observeInspected(inspected({ Status: 'stopping', Running: true }), 'inst')?.state).toBe('running');
    expect(observeInspected(inspected({ Status: 'stopped', Running: false }), 'inst')?.state).toBe('exited');
  });

  it.each([
    [undefined],
    [null],
    [{}],
    [{ ...Labels, [LABEL.installation]: 'other' }],
    [{ [LABEL.installation]: 'inst' }],
  ])('with labels %j is not ours', (labels) => {
    const Config = labels === undefined ? {} : { Labels: labels };
    expect(observeInspected(inspected({ Status: 'running' }, { Config }), 'inst')).toBeUndefined();
  });
});

const listed = (Id: string, State: string, Created: number): ListedContainer => ({
  Id,
  State,
  Created,
  Labels,
  NetworkSettings,
});

describe('listed containers', () => {
  it('say no more than an inspect would', () => {
    expect(observeListed(listed('ref', 'running', 1), 'inst')).toEqual({
      id: 'vm',
      ref: 'ref',
      hash: 'hash',
      state: 'running',
      address: '172.18.0.2',
      oomKilled: false,
    });
    expect(observeListed(listed('ref', 'running', 1), 'other')).toBeUndefined();
  });

  it('come with the live before the ended, and the new before the old', () => {
    const all = [
      listed('old', 'exited', 1),
      listed('new', 'created', 9),
      listed('paused', 'paused', 2),
      listed('running', 'running', 3),
    ];
    expect(byPriority(all).map(({ Id }) => Id)).toEqual(['running', 'paused', 'new', 'old']);
  });
});

const container = (Action: string, more: Record<string, string> = {}) => ({
  Type: 'container',
  Action,
  Actor: { ID: 'ref', Attributes: { ...Labels, ...more } },
});

const leaving = (name: string, Action = 'disconnect') => ({
  Type: 'network',
  Action,
  Actor: { ID: 'n', Attributes: { container: 'ref', name, type: 'bridge' } },
});

describe('an event', () => {
  it.each([
    ['create', 'created'],
    ['start', 'started'],
    ['oom', 'oom'],
    ['pause', 'paused'],
    ['unpause', 'resumed'],
    ['destroy', 'removed'],
    ['rename', 'renamed'],
    ['update', 'other'],
  ])('"%s" is %s', (action, expected) => {
    expect(observeEvent(container(action), 'inst')).toEqual({ id: 'vm', ref: 'ref', action: expected });
  });

  it('"die" is exited, with the exit code', () => {
    expect(observeEvent(container('die', { exitCode: '42' }), 'inst')).toEqual({
      id: 'vm',
      ref: 'ref',
      action: 'exited',
      exitCode: 42,
    });
    expect(observeEvent(container('die'), 'inst')).toEqual({ id: 'vm', ref: 'ref', action: 'exited' });
  });

  it('of another installation, of no machine or of another kind is none', () => {
    expect(observeEvent(container('die'), 'other')).toBeUndefined();
    expect(
      observeEvent({ Type: 'container', Action: 'die', Actor: { ID: 'x', Attributes: null } }, 'inst'),
    ).toBeUndefined();
    expect(observeEvent({ ...container('die'), Type: 'image' }, 'inst')).toBeUndefined();
    expect(observeEvent({}, 'inst')).toBeUndefined();
  });

  it("that a container left the machines' network names the container", () => {
    expect(observeDisconnect(leaving('swiftor-vms'))).toBe('ref');
    expect(observeDisconnect(leaving('bridge'))).toBeUndefined();
    expect(observeDisconnect(leaving('swiftor-vms', 'connect'))).toBeUndefined();
  });
});

const cpu = (total_usage: number, system_cpu_usage: number) => ({
  cpu_usage: { total_usage },
  system_cpu_usage,
  online_cpus: 4,
});

describe('statistics', () => {
  const raw = {
    read: '2026-01-02T03:04:05Z',
    cpu_stats: cpu(3_000, 50_000),
    precpu_stats: cpu(1_000, 46_000),
    memory_stats: { usage: 1_000, limit: 5_000, stats: { total_inactive_file: 300, inactive_file: 100 } },
    networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
  };

  it('count a core as 100, leave the reclaimable cache out and add up the networks', () => {
    expect(toMachineStats(raw)).toEqual({
      at: new Date('2026-01-02T03:04:05Z'),
      // Half of the host's time on four cores.
      cpuPercent: 200,
      memoryBytes: 700,
      memoryLimitBytes: 5_000,
      networkRxBytes: 11,
      networkTxBytes: 22,
    });
  });

  it('take the cache of cgroup v2 by its name there', () => {
    const memory_stats = { usage: 1_000, limit: 5_000, stats: { inactive_file: 100 } };
    expect(toMachineStats({ ...raw, memory_stats })?.memoryBytes).toBe(900);
  });

  it('are none for the first reading, which has nothing to compare with, and after the end', () => {
    expect(toMachineStats({ ...raw, precpu_stats: { cpu_usage: { total_usage: 0 } } })).toBeUndefined();
    expect(isAfterEnd(raw)).toBe(false);
    expect(isAfterEnd({ read: '0001-01-01T00:00:00Z', memory_stats: {} })).toBe(true);
  });
});
