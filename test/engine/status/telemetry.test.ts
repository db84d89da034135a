import { describe, expect, it } from 'vitest';
import { SharedStreams } from '../../../src/lib/concurrency/shared-streams.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const TALK =
  "trap 'echo bye; exit 0' TERM; echo run; for i in 1 2 3; do echo line $i; done; httpd -f -p 3000 -h /www & wait";
const TALKER = {
  code: 'talker',
  image: 'swiftor-test/tiny:1',
  defaultPort: 3000,
  stopGraceSeconds: 3,
  command: ['/bin/sh', '-c', TALK],
};

/** Writes without end. */
const FLOODER = {
  ...TALKER,
  code: 'flooder',
  command: ['/bin/sh', '-c', 'httpd -f -p 3000 -h /www & exec /bin/busybox yes a line of many'],
};

const gateway = useGateway({ distributions: [TALKER, FLOODER] });
const token = await testToken('alice');

async function startedVm(distribution = 'talker'): Promise<string> {
  const id = await createVm(gateway, token, { distribution, desktop: null });
  await gateway.rest(token, 'POST', `/vms/start/${id}`);
  await eventually(async () => (await statusOf(id)) === 'RUNNING', { deadline: 20_000 });
  return id;
}
async function statusOf(id: string): Promise<string> {
  return ((await (await gateway.rest(token, 'GET', `/vms/${id}`)).json()) as { status: string }).status;
}

interface Watch<T> extends AsyncDisposable {
  readonly seen: T[];
  readonly ended: Promise<unknown>;
}
function watch<T>(query: string, variables: Record<string, unknown>): Watch<T> {
  const client = gateway.subscribe(token);
  const seen: T[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  client.subscribe<Record<string, T>>(
    { query, variables },
    {
      next: ({ data, errors }) => {
        if (errors !== undefined) resolve(errors);
        for (const value of Object.values(data ?? {})) if (value !== null) seen.push(value);
      },
      error: resolve,
      complete: () => resolve('complete'),
    },
  );
  return { seen, ended: promise, [Symbol.asyncDispose]: async () => client.dispose() };
}
const LOGS =
  'subscription ($id: ID!, $tail: Int, $after: String) ' +
  '{ vmLogs(vmId: $id, tail: $tail, after: $after) { at stream text cursor } }';
const STATS =
  'subscription ($id: ID!) { vmStats(vmId: $id) { at cpuPercent memoryBytes memoryLimitBytes networkRxBytes } }';
type Line = { at: string; stream: string; text: string; cursor: string };
type Stats = { cpuPercent: number; memoryBytes: number; memoryLimitBytes: number; networkRxBytes: number };

describe('vmLogs', () => {
  it('sends the last lines, then each new one, across a replaced container, until the VM is deleted', async () => {
    const id = await startedVm();
    await using logs = watch<Line>(LOGS, { id, tail: 2 });
    await eventually(() => logs.seen.length === 2);
    expect(logs.seen.map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'line 2'],
      ['stdout', 'line 3'],
    ]);
    await using resumed = watch<Line>(LOGS, { id, after: logs.seen[0]?.cursor });
    await eventually(() => resumed.seen.length === 1);
    expect(resumed.seen).toEqual([logs.seen[1]]);
    await gateway.graphql(token, 'mutation ($id: ID!) { restartVm(id: $id) { id } }', { id });
    await eventually(() => logs.seen.length >= 7, { deadline: 20_000 });
    expect(logs.seen.slice(2).map(({ text }) => text)).toEqual(['bye', 'run', 'line 1', 'line 2', 'line 3']);
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    expect(await logs.ended).toBe('complete');
    expect(logs.seen.slice(7).map(({ text }) => text)).toEqual(['bye']);
  });

  it('of a stopped VM starts once it runs', async () => {
    const id = await createVm(gateway, token, { distribution: 'talker', desktop: null });
    await using logs = watch<Line>(LOGS, { id });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    await eventually(() => logs.seen.length === 4, { deadline: 20_000 });
    expect(logs.seen.map(({ text }) => text)).toEqual(['run', 'line 1', 'line 2', 'line 3']);
  });

  it.each([
    ['a VM that is not theirs', { id: '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f' }, 'NOT_FOUND'],
    ['what is no cursor', { id: '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f', after: '7' }, 'BAD_USER_INPUT'],
    ['a tail past the limit', { id: '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f', tail: 5000 }, 'BAD_USER_INPUT'],
  ])('refuses %s', async (_what, variables, code) => {
    await using logs = watch<Line>(LOGS, variables);
    expect(await logs.ended).toMatchObject([{ extensions: { code } }]);
  });
});

it('an app that writes without end, and 50 who follow it, delay no other request; a line says what was left out', async () => {
  const id = await startedVm('flooder');
  const median = async () => {
    const times = [];
    for (let time = 0; time < 20; time += 1) {
      const startedAt = performance.now();
      await (await fetch(`${gateway.url}/health/live`)).text();
      times.push(performance.now() - startedAt);
    }
    return times.toSorted((a, b) => a - b)[10] ?? Infinity;
  };
  // The app and the engine are busy either way.
  const unfollowed = await median();
  await using followers = new AsyncDisposableStack();
  const watches = Array.from({ length: 50 }, () => followers.use(watch<Line>(LOGS, { id, tail: 10 })));
  const reported = ({ seen }: Watch<Line>) => seen.some(({ stream }) => stream === 'gateway');
  await eventually(() => watches.every(reported), { deadline: 30_000 });
  const followed = await median();
  const [before, startedAt] = [watches.reduce((sum, { seen }) => sum + seen.length, 0), performance.now()];
  expect(followed).toBeLessThan(Math.max(10 * unfollowed, 50));
  await eventually(() => performance.now() - startedAt > 2_000);
  const sent = watches.reduce((sum, { seen }) => sum + seen.length, 0) - before;
  // 500 lines and 50 reports a second.
  expect((sent * 1_000) / (performance.now() - startedAt)).toBeLessThan(800);
  expect(watches[0]?.seen.find(({ stream }) => stream === 'gateway')?.text).toMatch(
    /^At least \d+ lines were left out/,
  );
}, 90_000);

describe('vmStats', () => {
  it('sends the usage of a VM to every subscriber', async () => {
    const id = await startedVm();
    const [container] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`] } });
    expect(container).toBeDefined();
    const watches = [watch<Stats>(STATS, { id }), watch<Stats>(STATS, { id }), watch<Stats>(STATS, { id })];
    await eventually(() => watches.every(({ seen }) => seen.length >= 2), { deadline: 15_000 });
    const [stats] = watches[0]?.seen ?? [];
    expect(stats?.memoryLimitBytes).toBe(2 ** 30);
    expect(stats?.memoryBytes).toBeGreaterThan(0);
    expect(stats?.memoryBytes).toBeLessThan(64 * 2 ** 20);
    for (const each of watches) await each[Symbol.asyncDispose]();
  });
});

describe('a shared stream', () => {
  function counted() {
    const counts = { opened: 0, open: 0 };
    const open = async function* (signal: AbortSignal): AsyncGenerator<number> {
      counts.opened += 1;
      counts.open += 1;
      try {
        for (let value = 0; !signal.aborted; value += 1) {
          yield value;
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
      } finally {
        counts.open -= 1;
      }
    };
    return { counts, open };
  }

  it('opens its source once for many readers, closes it with the last, and opens it again for the next', async () => {
    const streams = new SharedStreams<number>();
    const { counts, open } = counted();
    const readers = [streams.subscribe('a', open), streams.subscribe('a', open)];
    for (const reader of readers) expect((await reader.next()).done).toBe(false);
    expect(counts).toEqual({ opened: 1, open: 1 });
    for (const reader of readers) await reader.return?.();
    await eventually(() => counts.open === 0);
    const next = streams.subscribe('a', open);
    expect((await next.next()).done).toBe(false);
    expect(counts.opened).toBe(2);
    await next.return?.();
    await eventually(() => counts.open === 0);
  });

  it('fails each reader with the error of its source', async () => {
    const streams = new SharedStreams<number>();
    const reader = streams.subscribe('a', async function* () {
      yield 1;
      throw new Error('the engine went away');
    });
    expect(await reader.next()).toEqual({ value: 1, done: false });
    await expect(reader.next()).rejects.toThrow('the engine went away');
  });
});
