import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { EngineEvent } from '../../src/engine/driver.ts';
import type { MachineSpec, MachineVolume } from '../../src/engine/machine.ts';
import { EngineError } from '../../src/engine/engine-error.ts';
import { LABEL } from '../../src/engine/labels.ts';
import { describeEachEngine, docker, IDLE, machineSpec, newInstallationId, STUBBORN, testDriver, testImage } from '../support/engines.ts';
import { echo, ECHO_COMMAND, echoImage } from '../support/echo-image.ts';
import { eventually } from '../support/eventually.ts';
import { freePort, holdPort } from '../support/ports.ts';

const within = (seconds = 25) => AbortSignal.timeout(seconds * 1000);
const ignoreProgress = () => undefined;
const volume = (overrides: Partial<MachineVolume> = {}): MachineVolume => {
  return { name: 'primary', target: '/config', lifetime: 'until-delete', mustExist: false, ...overrides };
};

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error,
  );
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof EngineError ? error.code : error),
  );
const volumesOf = async ({ id }: { id: string }) => {
  const { Volumes } = await docker.listVolumes({ filters: { label: [`${LABEL.machine}=${id}`] } });
  return (Volumes ?? []).map(({ Labels }) => Labels[LABEL.volume]);
};
const nextEvent = async (events: AsyncIterator<EngineEvent>, id: string, action: EngineEvent['action']): Promise<EngineEvent> => {
  const next: IteratorResult<EngineEvent, undefined> = await events.next();
  if (next.done === true) throw new Error(`The events ended before "${action}".`);
  return next.value.id === id && next.value.action === action ? next.value : nextEvent(events, id, action);
};

beforeAll(async () => {
  await testImage();
});

describeEachEngine('The contract', ({ driver, installationId }) => {
  const ensure = (spec: MachineSpec, signal = within()) => driver.ensure(spec, signal, ignoreProgress);
  const containersOf = ({ id }: { id: string }) =>
    docker.listContainers({ all: true, filters: { label: [`${LABEL.installation}=${installationId}`, `${LABEL.machine}=${id}`] } });
  const linesOf = async ({ id }: { id: string }, tail = 100) => {
    const lines = [];
    for await (const line of driver.logs(id, { tail, follow: true }, within())) lines.push(line);
    return lines;
  };
  /** What it printed so far. */
  const textsOf = async ({ id }: { id: string }, tail = 10) => {
    const texts = [];
    for await (const { text } of driver.logs(id, { tail, follow: false }, within())) texts.push(text);
    return texts;
  };
  /** What the command prints, run to its end as the machine's own. */
  const outputOf = async (script: string, overrides: Partial<MachineSpec> = {}) => {
    const spec = machineSpec({ command: ['/bin/sh', '-c', script], ...overrides });
    await ensure(spec);
    return (await linesOf(spec)).map(({ text }) => text);
  };
  describe('ensure', () => {
    it('starts a container that answers at its address, and then finds it as it is', async () => {
      const spec = machineSpec();
      const phases: string[] = [];
      const first = await driver.ensure(spec, within(), ({ phase }) => phases.push(phase));
      const second = await driver.ensure(spec, within(), ({ phase }) => phases.push(phase));
      expect(first).toMatchObject({ id: spec.id, hash: spec.hash, state: 'running', oomKilled: false });
      expect(second).toEqual(first);
      expect(phases).toEqual(['starting']);
      const address = await driver.address(spec.id, first.ref, 3000, within());
      expect(address).toEqual({ host: first.address, port: 3000 });
      const page = await eventually(async (signal) => (await fetch(`http://${first.address}:3000/`, { signal })).text());
      expect(page).toContain('<h1>tiny</h1>');
    });

    it('adopts what a call left behind that was aborted between creation and start', async () => {
      const spec = machineSpec({ command: IDLE });
      const abort = new AbortController();
      const reason = new Error('changed its mind');
      await expect(driver.ensure(spec, abort.signal, () => abort.abort(reason))).rejects.toBe(reason);
      const [left] = await containersOf(spec);
      expect(left?.State).toBe('created');
      expect(await ensure(spec)).toMatchObject({ ref: left?.Id, state: 'running' });
      expect(await containersOf(spec)).toHaveLength(1);
    });

    it('replaces the container of another hash and keeps its volumes', async () => {
      const command = ['/bin/sh', '-c', 'echo "$GENERATION" >> /config/marker; cat /config/marker; trap "exit 0" TERM; sleep 86400 & wait'];
      const old = machineSpec({ command, env: { GENERATION: 'one' }, volumes: [volume()] });
      const before = await ensure(old);
      await eventually(async () => (await textsOf(old)).length === 1);
      const after = await ensure({ ...old, hash: 'other', env: { GENERATION: 'two' }, volumes: [volume({ mustExist: true })] });
      expect(after.ref).not.toBe(before.ref);
      expect(await containersOf(old)).toHaveLength(1);
      const texts = await eventually(async () => {
        const all = await textsOf(old);
        return all.length === 2 && all;
      });
      expect(texts).toEqual(['one', 'two']);
    });

    it('fills a fresh volume with what the image has at its path', async () => {
      expect(await outputOf('cat /config/from-image', { volumes: [volume()] })).toEqual(['from the image']);
    });

    it('starts an exited container again', async () => {
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await driver.stop(spec.id, within());
      expect((await driver.observe(spec.id, within()))?.state).toBe('exited');
      expect(await ensure(spec)).toMatchObject({ ref, state: 'running' });
    });

    it('resumes a paused container', async () => {
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await docker.getContainer(ref).pause();
      const paused = await driver.observe(spec.id, within());
      expect(paused).toMatchObject({ state: 'paused' });
      expect(paused).not.toHaveProperty('address');
      expect(await driver.address(spec.id, ref, 3000, within())).toBeUndefined();
      expect(await ensure(spec)).toMatchObject({ ref, state: 'running' });
    });

    it('makes one container when it is called twice at once', async () => {
      const spec = machineSpec({ command: IDLE, volumes: [volume()] });
      const [a, b] = await Promise.all([ensure(spec), ensure(spec)]);
      expect(a.ref).toBe(b.ref);
      expect(await containersOf(spec)).toHaveLength(1);
      expect(await volumesOf(spec)).toEqual(['primary']);
    });

    it('gives environment values unchanged to the process', async () => {
      const env = {
        EMPTY: '',
        EQUALS: 'a=b==c',
        LINES: 'one\ntwo\r\nthree\n',
        QUOTES: `"double" 'single' \`back\``,
        DOLLAR: '$HOME ${PATH} $(id) %s \\n',
        UNICODE: 'žluťoučký 🐎 \u200b',
        SPACES: '  around\tand inside  ',
        LONG: 'x'.repeat(100 * 1024),
        'with.dot-and-dash': 'kept',
      };
      const command = ['/bin/sh', '-c', `trap 'exit 0' TERM; cat /proc/1/environ > /www/environ; httpd -f -p 3000 -h /www & wait`];
      const { address } = await ensure(machineSpec({ command, env }));
      const environ = await eventually(async (signal) => (await fetch(`http://${address}:3000/environ`, { signal })).text());
      const pairs = environ.split('\0').filter(Boolean);
      const seen = Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
      expect(seen).toMatchObject(env);
    });

    it('starts a machine of more cores than the host has', async () => {
      const { ref } = await ensure(machineSpec({ command: IDLE, cpu: 8 }));
      const { HostConfig } = await docker.getContainer(ref).inspect();
      expect(HostConfig).toMatchObject({ CpuQuota: 800_000, CpuPeriod: 100_000 });
    });

    it('gives a process few open files, no core dump, a view of its own group alone, and lets it go before the host', async () => {
      const script =
        'ulimit -Hn; ulimit -Hc; cat /proc/1/oom_score_adj; cat /proc/1/cgroup | cut -d : -f 3 | sort -u; grep Seccomp: /proc/1/status';
      const lines = await outputOf(script.replaceAll(/\b(cut|sort|grep) /g, 'busybox $1 '));
      expect(lines).toEqual(['16384', '0', '500', '/', 'Seccomp:\t2']);
    });

    it('runs a machine in the runtime that the operator chose', async () => {
      // runc, under the other name that each engine knows it by.
      const { ref } = await ensure(machineSpec({ command: IDLE, runtime: 'io.containerd.runc.v2' }));
      const { HostConfig, State } = await docker.getContainer(ref).inspect();
      expect({ runtime: HostConfig.Runtime, running: State.Running }).toEqual({ runtime: 'io.containerd.runc.v2', running: true });
    });

    it('leaves a process no more rights than its profile says, and no more memory and processes', async () => {
      const status = 'cat /proc/1/status; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true';
      const lines = await outputOf(status, {
        security: { capabilities: ['CHOWN', 'KILL'], noNewPrivileges: true, seccomp: 'default', devices: [] },
      });
      // CHOWN is bit 0, KILL bit 5.
      expect(lines).toContain('CapEff:\t0000000000000021');
      expect(lines).toContain('CapBnd:\t0000000000000021');
      expect(lines).toContain('NoNewPrivs:\t1');
      expect(lines).toContain(String(64 * 1024 * 1024));
    });

    it('keeps machines from each other', async () => {
      const { address } = await ensure(machineSpec());
      await eventually(async (signal) => (await fetch(`http://${address}:3000/`, { signal })).ok);
      const script =
        'httpd -p 3000 -h /www; for host in $HOSTS; do nc -w 2 $host 3000 </dev/null >/dev/null 2>&1 && echo reached || echo blocked; done';
      const lines = await outputOf(script, { env: { HOSTS: `127.0.0.1 ${address}` } });
      expect(lines).toEqual(['reached', 'blocked']);
    });

    it("says START_FAILED with the engine's words for a command that is not there, and leaves no container", async () => {
      const spec = machineSpec({ command: ['/bin/no-such-command'] });
      const error = await failureOf(ensure(spec));
      expect(error).toMatchObject({ name: 'EngineError', code: 'START_FAILED', message: expect.stringContaining('/bin/no-such-command') });
      expect(await containersOf(spec)).toEqual([]);
    });

    it('says START_FAILED for a runtime that the engine does not have', async () => {
      const spec = machineSpec({ runtime: 'no-such-runtime' });
      expect(await failureOf(ensure(spec))).toMatchObject({
        code: 'START_FAILED',
        message: expect.stringMatching(
          /engine has no runtime "no-such-runtime"\. The operator has to install it there, or to correct RUNTIMES\.$/,
        ),
      });
      expect(await containersOf(spec)).toEqual([]);
    });

    it('says IMAGE_NOT_FOUND for a local image that was not built, without asking a registry', async () => {
      const spec = machineSpec({ imageRef: `local/${randomUUID()}:1` });
      expect(await failureOf(ensure(spec))).toMatchObject({ code: 'IMAGE_NOT_FOUND', message: expect.stringContaining('not built') });
      expect(await containersOf(spec)).toEqual([]);
    });

    it('says DATA_LOST and makes nothing when a volume that held data is gone', async () => {
      const spec = machineSpec({ volumes: [volume({ name: 'fresh', target: '/fresh' }), volume({ name: 'gone', mustExist: true })] });
      const error = await failureOf(ensure(spec));
      expect(error).toMatchObject({ code: 'DATA_LOST', message: expect.stringContaining('"gone"') });
      expect(await containersOf(spec)).toEqual([]);
      expect(await volumesOf(spec)).toEqual([]);
    });

    it('makes the network anew when it lost it, for new containers and for old', async () => {
      const old = machineSpec({ command: IDLE });
      await ensure(old);
      await driver.stop(old.id, within());
      // An id that never was stands for a removed network: the real one is not ours alone to remove.
      const [listed] = await containersOf(old);
      expect(listed?.HostConfig.NetworkMode).toMatch(/^[0-9a-f]{64}$/);
      await docker.getContainer(listed?.Id ?? '').remove({ force: true });
      const options = { NetworkMode: 'f'.repeat(64) };
      const labels = { [LABEL.installation]: installationId, [LABEL.machine]: old.id, [LABEL.hash]: old.hash };
      const stale = await docker.createContainer({ Image: old.imageRef, Cmd: [...IDLE], Labels: labels, HostConfig: options });
      const seen = await ensure(old);
      expect(seen).toMatchObject({ state: 'running', address: expect.any(String) });
      expect(seen.ref).not.toBe(stale.id);
    });
  });

  describe('a replacement', () => {
    const serve = ['/bin/sh', '-c', `trap 'exit 0' TERM; echo $WHICH >> /config/marker; httpd -f -p 3000 -h /config & wait`];
    const volumes = [volume({ lifetime: 'until-stop' })];
    const old = () => machineSpec({ command: serve, env: { WHICH: 'old' }, volumes });
    /** Of the same machine, with what a change made of it. */
    const changed = (spec: MachineSpec, overrides: Partial<MachineSpec> = {}): MachineSpec => {
      return { ...spec, hash: `${spec.hash}-new`, env: { WHICH: 'new' }, ...overrides };
    };
    const markerOf = ({ address }: { address?: string }) =>
      eventually(async (signal) => (await fetch(`http://${address}:3000/marker`, { signal })).text());
    const statesOf = async (spec: MachineSpec) =>
      Object.fromEntries((await containersOf(spec)).map(({ Labels, State }) => [Labels[LABEL.hash] ?? '', State]));
    const replace = (before: MachineSpec, after: MachineSpec) => driver.ensure(after, within(), ignoreProgress, before.hash);
    const revert = ({ id, hash }: MachineSpec) => driver.revert(id, hash, within());

    it('keeps the old container, stopped, and the data of each volume, until it is told that the new one answers', async () => {
      const before = old();
      const after = changed(before);
      const first = await ensure(before);
      await markerOf(first);
      const second = await replace(before, after);
      expect(await statesOf(before)).toEqual({ [before.hash]: 'exited', [after.hash]: 'running' });
      expect(await markerOf(second)).toBe('old\nnew\n');
      const seen = await driver.observe(before.id, within());
      expect(seen).toMatchObject({ ref: second.ref, state: 'running', others: [{ hash: before.hash, state: 'exited' }] });
      // A second call finds it all as it is.
      expect(await replace(before, after)).toEqual(second);
      await driver.removeOthers(before.id, second.ref, within());
      await driver.removeOthers(before.id, second.ref, within());
      expect(await statesOf(before)).toEqual({ [after.hash]: 'running' });
      expect(await driver.observe(before.id, within())).not.toHaveProperty('others');
      expect(await markerOf(second)).toBe('old\nnew\n');
    });

    it.each<[string, Partial<MachineSpec>, string]>([
      ['exits at once', { command: ['/bin/sh', '-c', 'exit 3'] }, 'none'],
      ['has a command that is missing', { command: ['/bin/no-such-command'] }, 'START_FAILED'],
      ['never answers', { command: IDLE }, 'none'],
      ['cannot be made', { imageRef: `local/${randomUUID()}:1` }, 'IMAGE_NOT_FOUND'],
      ['lost data', { volumes: [volume({ name: 'gone', mustExist: true })] }, 'DATA_LOST'],
    ])('that %s goes back to the old container, as it was made', async (_what, overrides, code) => {
      const before = old();
      const first = await ensure(before);
      await markerOf(first);
      expect(await codeOf(replace(before, changed(before, overrides)))).toBe(code);
      const back = await revert(before);
      expect(back).toMatchObject({ ref: first.ref, hash: before.hash, state: 'running' });
      expect(await statesOf(before)).toEqual({ [before.hash]: 'running' });
      expect(await markerOf(back ?? {})).toMatch(/^old\n(old\n)?$/);
      expect(await revert(before)).toEqual(back);
    });

    it('never has both run, however often it goes back and forth', async () => {
      const before = machineSpec({ command: IDLE });
      const after = changed(before, { env: {} });
      const since = Math.floor(Date.now() / 1000) - 1;
      await ensure(before);
      await replace(before, after);
      await revert(before);
      await replace(before, after);
      const filters = { label: [`${LABEL.machine}=${before.id}`], event: ['start', 'die'] };
      const told = await docker.getEvents({ filters, since, until: Math.floor(Date.now() / 1000) + 1 });
      let text = '';
      for await (const chunk of told) text += String(chunk);
      const actions = text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { Action: string; timeNano: number })
        .toSorted((a, b) => a.timeNano - b.timeNano)
        .map(({ Action }) => Action);
      expect(actions).toEqual(['start', 'die', 'start', 'die', 'start', 'die', 'start']);
    });

    it('ends what a gateway that was late has started again, and has one run', async () => {
      const before = machineSpec({ command: IDLE });
      const after = changed(before, { env: {} });
      const { ref } = await ensure(before);
      await replace(before, after);
      await docker.getContainer(ref).start();
      expect(await driver.observe(before.id, within())).toMatchObject({ others: [{ state: 'running' }] });
      await replace(before, after);
      expect(await statesOf(before)).toEqual({ [before.hash]: 'exited', [after.hash]: 'running' });
      await docker.getContainer(ref).start();
      await revert(before);
      expect(await statesOf(before)).toEqual({ [before.hash]: 'running' });
    });

    it('of one that never came up keeps what answered, not what came between', async () => {
      const before = machineSpec({ command: IDLE });
      const between = changed(before, { env: {} });
      const after = changed(between);
      await ensure(before);
      await replace(before, between);
      await replace(before, after);
      expect(await statesOf(before)).toEqual({ [before.hash]: 'exited', [after.hash]: 'running' });
    });

    it('changes nothing when there is nothing to go back to', async () => {
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      expect(await driver.revert(spec.id, 'never-was', within())).toBeUndefined();
      expect(await driver.observe(spec.id, within())).toMatchObject({ ref, state: 'running' });
      expect(await driver.revert(randomUUID(), spec.hash, within())).toBeUndefined();
    });

    it('gives up an old container whose network is gone for good', async () => {
      const before = machineSpec({ command: IDLE });
      const labels = { [LABEL.installation]: installationId, [LABEL.machine]: before.id, [LABEL.hash]: before.hash };
      await docker.createContainer({
        Image: before.imageRef,
        Cmd: [...IDLE],
        Labels: labels,
        HostConfig: { NetworkMode: 'f'.repeat(64) },
      });
      expect(await revert(before)).toBeUndefined();
      expect(await statesOf(before)).toEqual({});
    });
  });

  describe('ports', () => {
    const portOf = (protocol: 'tcp' | 'udp', publicPort: number) => ({ protocol, internalPort: 7, publicPort, bind: '127.0.0.1' });
    const echoing = async (ports: MachineSpec['ports']) => machineSpec({ imageRef: await echoImage(), command: ECHO_COMMAND, ports });

    it("lead to the machine's own while it runs, and are free again when it is gone", async () => {
      const port = await freePort();
      const spec = await echoing([portOf('tcp', port), portOf('udp', port)]);
      await ensure(spec);
      for (const protocol of ['tcp', 'udp'] as const) {
        expect(await eventually(() => echo(protocol, port, `hello ${protocol}`))).toBe(`hello ${protocol}`);
      }
      await driver.remove(spec.id, [], within());
      await expect(echo('tcp', port, 'still there?')).rejects.toThrow(/ECONNREFUSED|no answer/);
      await expect(echo('udp', port, 'still there?')).rejects.toThrow(/ECONNREFUSED|no answer/);
      for (const protocol of ['tcp', 'udp'] as const) await (await holdPort(protocol, port))[Symbol.asyncDispose]();
    });

    it('move from one container of a machine to the next', async () => {
      const port = await freePort();
      const before = await echoing([portOf('tcp', port)]);
      const after = { ...before, hash: 'after' };
      await ensure(before);
      await driver.ensure(after, within(), ignoreProgress, before.hash);
      expect(await eventually(() => echo('tcp', port, 'to the next'))).toBe('to the next');
      await driver.revert(before.id, before.hash, within());
      expect(await eventually(() => echo('tcp', port, 'and back'))).toBe('and back');
    });

    it.each(['tcp', 'udp'] as const)(
      'says PORT_TAKEN with the %s port that another program holds, and leaves no container',
      async (protocol) => {
        await using held = await holdPort(protocol);
        const spec = machineSpec({ command: IDLE, ports: [portOf(protocol, held.port)] });
        expect(await failureOf(ensure(spec))).toMatchObject({
          code: 'PORT_TAKEN',
          port: held.port,
          message: expect.stringContaining(`${held.port}`),
        });
        expect(await containersOf(spec)).toEqual([]);
      },
    );

    it('says PORT_TAKEN for one that another machine holds', async () => {
      const port = await freePort();
      const first = machineSpec({ command: IDLE, ports: [portOf('tcp', port)] });
      await ensure(first);
      const second = machineSpec({ command: IDLE, ports: [portOf('tcp', port)] });
      expect(await failureOf(ensure(second))).toMatchObject({ code: 'PORT_TAKEN', port });
      await driver.remove(first.id, [], within());
      expect(await ensure(second)).toMatchObject({ state: 'running' });
    });
  });

  describe('ensureVolumes', () => {
    it('makes the volumes once and keeps what they hold', async () => {
      const spec = machineSpec({ volumes: [volume()], command: ['/bin/sh', '-c', 'echo kept > /config/marker'] });
      await driver.ensureVolumes(spec, within());
      expect(await volumesOf(spec)).toEqual(['primary']);
      await ensure(spec);
      await linesOf(spec);
      await driver.remove(spec.id, [], within());
      await driver.ensureVolumes({ ...spec, volumes: [volume({ mustExist: true })] }, within());
      expect(await outputOf('cat /config/marker', { id: spec.id, volumes: spec.volumes })).toEqual(['kept']);
    });
  });

  describe('observe', () => {
    it('tells how a process ended', async () => {
      const spec = machineSpec({ command: ['/bin/sh', '-c', 'exit 7'] });
      await ensure(spec);
      const seen = await eventually(async (signal) => {
        const observation = await driver.observe(spec.id, signal);
        return observation?.state === 'exited' && observation;
      });
      expect(seen).toMatchObject({ exitCode: 7, oomKilled: false, startedAt: expect.any(Date) });
    });

    it('tells that memory ran out', async () => {
      const command = ['/bin/sh', '-c', 'exec dd if=/dev/zero of=/dev/null bs=128M count=1'];
      const runOut = async () => {
        const spec = machineSpec({ command, memoryBytes: 16 * 1024 * 1024 });
        await ensure(spec);
        return eventually(async (signal) => {
          const observation = await driver.observe(spec.id, signal);
          return observation?.state === 'exited' && observation;
        });
      };
      // The engine itself misses some when it is busy: one of a few must be told.
      const seen = await eventually(async () => {
        const observation = await runOut();
        expect(observation.exitCode).toBe(137);
        return observation.oomKilled && observation;
      });
      expect(seen.oomKilled).toBe(true);
    });

    it('knows nothing of a machine without a container', async () => {
      expect(await driver.observe(randomUUID(), within())).toBeUndefined();
    });
  });

  describe('stop', () => {
    it('lets a process end by itself, and is done when it had ended before', async () => {
      const spec = machineSpec({ command: IDLE, stopGraceSeconds: 20 });
      await ensure(spec);
      await driver.stop(spec.id, within(10));
      expect(await driver.observe(spec.id, within())).toMatchObject({ state: 'exited', exitCode: 0 });
      await driver.stop(spec.id, within());
      await driver.stop(randomUUID(), within());
    });

    it('kills what does not end within its grace', async () => {
      const spec = machineSpec({ command: STUBBORN, stopGraceSeconds: 1 });
      await ensure(spec);
      const startedAt = performance.now();
      await driver.stop(spec.id, within());
      const seconds = (performance.now() - startedAt) / 1000;
      expect(await driver.observe(spec.id, within())).toMatchObject({ state: 'exited', exitCode: 137 });
      expect(seconds).toBeGreaterThan(0.9);
      expect(seconds).toBeLessThan(6);
    });

    it('stops a paused container', async () => {
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await docker.getContainer(ref).pause();
      await driver.stop(spec.id, within());
      expect((await driver.observe(spec.id, within()))?.state).toBe('exited');
    });
  });

  describe('remove', () => {
    it('leaves nothing but the volumes whose lifetime it was not given', async () => {
      const volumes = [volume({ name: 'short', lifetime: 'until-stop', target: '/short' }), volume({ name: 'long' })];
      const spec = machineSpec({ command: STUBBORN, volumes });
      await ensure(spec);
      await driver.remove(spec.id, ['until-stop'], within());
      expect(await containersOf(spec)).toEqual([]);
      expect(await volumesOf(spec)).toEqual(['long']);
      await driver.remove(spec.id, ['until-stop', 'until-delete'], within());
      expect(await volumesOf(spec)).toEqual([]);
    });

    it('succeeds twice at once, and for a machine that never was', async () => {
      const spec = machineSpec({ command: IDLE, volumes: [volume()] });
      await ensure(spec);
      await Promise.all([driver.remove(spec.id, ['until-delete'], within()), driver.remove(spec.id, ['until-delete'], within())]);
      expect(await containersOf(spec)).toEqual([]);
      expect(await volumesOf(spec)).toEqual([]);
      await driver.remove(randomUUID(), ['until-stop', 'until-delete'], within());
    });
  });

  it("leaves foreign containers and volumes alone, also those that hold its names or its machine's id", async () => {
    const spec = machineSpec({ command: IDLE, volumes: [volume()] });
    const Labels = {
      [LABEL.installation]: newInstallationId(),
      [LABEL.machine]: spec.id,
      [LABEL.hash]: spec.hash,
      [LABEL.lifetime]: 'until-delete',
    };
    const name = `swiftor-${spec.id}-${spec.hash}`;
    const foreign = await docker.createContainer({ name, Image: spec.imageRef, Labels });
    onTestFinished(() => foreign.remove({ force: true }));
    const foreignVolume = await docker.createVolume({ Name: `swiftor-${spec.id}-primary`, Labels });
    onTestFinished(() => foreignVolume.remove());

    const { ref } = await ensure(spec);
    expect(ref).not.toBe(foreign.id);
    const { Mounts } = await docker.getContainer(ref).inspect();
    expect(Mounts.map(({ Name }) => Name)).not.toContain(`swiftor-${spec.id}-primary`);
    const { machines } = await driver.list(within());
    expect(machines.filter(({ id }) => id === spec.id).map((machine) => machine.ref)).toEqual([ref]);
    expect(await driver.address(spec.id, foreign.id, 3000, within())).toBeUndefined();

    await driver.stop(spec.id, within());
    await driver.remove(spec.id, ['until-stop', 'until-delete'], within());
    expect(await driver.observe(spec.id, within())).toBeUndefined();
    expect((await foreign.inspect()).Id).toBe(foreign.id);
    expect((await foreignVolume.inspect()).Labels).toEqual(Labels);
  });

  it('lists its machines and volumes with their labels', async () => {
    const spec = machineSpec({ command: IDLE, volumes: [volume()], labels: { 'io.swiftor.test': 'kept' } });
    const { ref, address } = await ensure(spec);
    const { machines, volumes } = await driver.list(within());
    const labels = expect.objectContaining({ 'io.swiftor.test': 'kept', [LABEL.machine]: spec.id });
    expect(machines).toContainEqual(expect.objectContaining({ id: spec.id, ref, address, hash: spec.hash, state: 'running', labels }));
    expect(volumes).toContainEqual({ id: spec.id, name: 'primary', labels });
  });

  it("gives no address of a container that does not run, and none under another machine's id", async () => {
    const spec = machineSpec({ command: IDLE });
    const { ref } = await ensure(spec);
    expect(await driver.address(spec.id, ref, 80, within())).toMatchObject({ port: 80 });
    expect(await driver.address(randomUUID(), ref, 80, within())).toBeUndefined();
    await driver.stop(spec.id, within());
    expect(await driver.address(spec.id, ref, 80, within())).toBeUndefined();
    expect(await driver.address(spec.id, 'f'.repeat(64), 80, within())).toBeUndefined();
  });

  it("adds up the bytes of a machine's volumes", async () => {
    const spec = machineSpec({ volumes: [volume()], command: ['/bin/sh', '-c', 'dd if=/dev/urandom of=/config/data bs=1024 count=300'] });
    await ensure(spec);
    await linesOf(spec);
    const { lastingBytes } = (await driver.measureStorage(within())).get(spec.id) ?? {};
    expect(lastingBytes).toBeGreaterThanOrEqual(300 * 1024);
    expect(lastingBytes).toBeLessThan(400 * 1024);
  });

  describe('events', () => {
    it('tell of each step of a life, the exit with its code', async () => {
      const abort = new AbortController();
      const events = driver.events(abort.signal)[Symbol.asyncIterator]();
      onTestFinished(() => abort.abort());
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await nextEvent(events, spec.id, 'created');
      await nextEvent(events, spec.id, 'started');
      const container = docker.getContainer(ref);
      await container.pause();
      await nextEvent(events, spec.id, 'paused');
      await container.unpause();
      await nextEvent(events, spec.id, 'resumed');
      await container.rename({ name: `renamed-${spec.id}` });
      await nextEvent(events, spec.id, 'renamed');
      // Behind the driver's back.
      await container.kill();
      expect(await nextEvent(events, spec.id, 'exited')).toEqual({ id: spec.id, ref, action: 'exited', exitCode: 137 });
      await driver.remove(spec.id, [], within());
      await nextEvent(events, spec.id, 'removed');
    });

    it('tell of a running container that was cut off its network, which has no address then', async () => {
      const abort = new AbortController();
      onTestFinished(() => abort.abort());
      const events = driver.events(abort.signal)[Symbol.asyncIterator]();
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await nextEvent(events, spec.id, 'started');
      await docker.getNetwork('swiftor-vms').disconnect({ Container: ref });
      await nextEvent(events, spec.id, 'disconnected');
      const seen = await driver.observe(spec.id, within());
      expect(seen?.state).toBe('running');
      expect(seen).not.toHaveProperty('address');
    });

    it('end at once when their reader leaves, also while it waits', async () => {
      const events = driver.events(within())[Symbol.asyncIterator]();
      const waiting = events.next();
      const startedAt = performance.now();
      await events.return?.();
      expect(performance.now() - startedAt).toBeLessThan(500);
      expect((await waiting).done).toBe(true);
    });

    it('end with the reason of an abort', async () => {
      const abort = new AbortController();
      const events = driver.events(abort.signal)[Symbol.asyncIterator]();
      const waiting = failureOf(events.next());
      const reason = new Error('enough');
      abort.abort(reason);
      expect(await waiting).toBe(reason);
    });

    it('end with an EngineError when the connection breaks', async () => {
      const other = testDriver(installationId);
      const events = other.events(within())[Symbol.asyncIterator]();
      const spec = machineSpec({ command: ['/bin/true'] });
      await ensure(spec);
      await nextEvent(events, spec.id, 'started');
      await other.close();
      const error = await failureOf(
        (async () => {
          while ((await events.next()).done !== true);
        })(),
      );
      expect(error).toMatchObject({ name: 'EngineError', code: 'ENGINE_UNREACHABLE' });
    });
  });

  describe('logs', () => {
    it('are lines with their time and stream, in order, joined and cut at 16 KiB', async () => {
      const script = [
        'echo first',
        'echo second >&2; sleep 0.2',
        'printf "no "; sleep 0.2; echo end',
        'dd if=/dev/zero bs=1000 count=40 2>/dev/null | tr "\\0" y; echo',
        'echo žluť',
        'printf unfinished',
      ].join('; ');
      const startedAt = Date.now();
      const spec = machineSpec({ command: ['/bin/sh', '-c', script.replace('tr ', '/bin/busybox tr ')] });
      await ensure(spec);
      const lines = await linesOf(spec);
      expect(lines.map(({ text }) => text).toSorted()).toEqual(
        ['first', 'second', 'no end', 'y'.repeat(16 * 1024), 'žluť', 'unfinished'].toSorted(),
      );
      expect(lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)).toEqual(['second']);
      for (const { at } of lines) expect(Math.abs(at.getTime() - startedAt)).toBeLessThan(30_000);
      expect(await textsOf(spec, 2)).toEqual(['žluť', 'unfinished']);
    });

    it('follow a container to its end, and end at once when their reader leaves', async () => {
      const spec = machineSpec({ command: ['/bin/sh', '-c', `echo ready; trap 'echo bye; exit 0' TERM; sleep 86400 & wait`] });
      await ensure(spec);
      const follower = driver.logs(spec.id, { tail: 10, follow: true }, within())[Symbol.asyncIterator]();
      const leaver = driver.logs(spec.id, { tail: 10, follow: true }, within())[Symbol.asyncIterator]();
      expect((await follower.next()).value).toMatchObject({ text: 'ready' });
      expect((await leaver.next()).value).toMatchObject({ text: 'ready' });
      const waiting = leaver.next();
      await leaver.return?.();
      expect((await waiting).done).toBe(true);
      const next = follower.next();
      await driver.stop(spec.id, within());
      expect((await next).value).toMatchObject({ text: 'bye' });
      expect((await follower.next()).done).toBe(true);
    });

    it('of a machine without a container are none', async () => {
      expect(await linesOf({ id: randomUUID() })).toEqual([]);
    });
  });

  it('stats show a busy core and memory below the limit, and end with the container', async () => {
    const spec = machineSpec({ command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do :; done'], cpu: 0.5 });
    await ensure(spec);
    const readings = [];
    for await (const reading of driver.stats(spec.id, within())) {
      readings.push(reading);
      if (readings.length === 2) await driver.stop(spec.id, within());
    }
    const [, reading] = readings;
    // Half a core is what it may use at most; other work on the host may leave it less.
    expect(reading?.cpuPercent).toBeGreaterThan(5);
    expect(reading?.cpuPercent).toBeLessThan(75);
    expect(reading?.memoryBytes).toBeGreaterThan(0);
    expect(reading).toMatchObject({ memoryLimitBytes: spec.memoryBytes, at: expect.any(Date) });
    expect(reading?.memoryBytes).toBeLessThan(spec.memoryBytes);
  });
});

describe('A driver of an engine that does not answer', () => {
  const servers: Server[] = [];
  afterAll(() => servers.forEach((server) => server.close()));
  const listen = async (server: Server) => {
    const path = join(tmpdir(), `swiftor-${randomUUID().slice(0, 8)}.sock`);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return `unix://${path}`;
  };
  it('says ENGINE_UNREACHABLE when there is no socket, whatever it is asked', async () => {
    const driver = testDriver('none', { endpoint: `unix://${join(tmpdir(), 'no-such.sock')}` });
    const spec = machineSpec({ volumes: [volume()] });
    const calls = [
      driver.ping(within()),
      driver.ensure(spec, within(), ignoreProgress),
      driver.ensureVolumes(spec, within()),
      driver.stop(spec.id, within()),
      driver.remove(spec.id, ['until-stop'], within()),
      driver.observe(spec.id, within()),
      driver.list(within()),
      driver.address(spec.id, 'x', 80, within()),
      driver.measureStorage(within()),
      driver.diskSpace(within()),
      driver.events(within())[Symbol.asyncIterator]().next(),
      driver.logs(spec.id, { tail: 1, follow: false }, within())[Symbol.asyncIterator]().next(),
      driver.stats(spec.id, within())[Symbol.asyncIterator]().next(),
    ];
    expect(new Set(await Promise.all(calls.map(codeOf)))).toEqual(new Set(['ENGINE_UNREACHABLE']));
    await expect(driver.ping(within())).rejects.toThrow(/no-such\.sock/);
  });

  it('says ENGINE_TIMEOUT when it accepts and says nothing', async () => {
    const endpoint = await listen(createServer(() => undefined).unref());
    const driver = testDriver('none', { endpoint, callMilliseconds: 200 });
    onTestFinished(() => driver.close());
    expect(await codeOf(driver.ping(within(5)))).toBe('ENGINE_TIMEOUT');
    expect(await codeOf(driver.list(within(5)))).toBe('ENGINE_TIMEOUT');
    expect(await codeOf(driver.events(within(5))[Symbol.asyncIterator]().next())).toBe('ENGINE_TIMEOUT');
  });

  it("rejects with the caller's reason when the caller gives up first", async () => {
    const endpoint = await listen(createServer(() => undefined).unref());
    const driver = testDriver('none', { endpoint });
    onTestFinished(() => driver.close());
    const abort = new AbortController();
    const reason = new Error('enough');
    const work = failureOf(driver.list(abort.signal));
    abort.abort(reason);
    expect(await work).toBe(reason);
  });

  it.each([404, 409])('has no more lines of a container that is gone or just being removed (%i)', async (status) => {
    const server = createHttpServer(({ url = '' }, reply) => {
      reply.setHeader('content-type', 'application/json');
      if (url.includes('/containers/json')) reply.end(JSON.stringify([{ Id: 'a', Names: ['/a'], Labels: {}, State: 'removing' }]));
      else reply.writeHead(status).end('{"message":"can not get logs from container which is dead or marked for removal"}');
    });
    const driver = testDriver('none', { endpoint: await listen(server) });
    onTestFinished(() => driver.close());
    onTestFinished(() => void server.close());
    const lines: string[] = [];
    for await (const { text } of driver.logs(randomUUID(), { tail: 5, follow: true }, within(5))) lines.push(text);
    expect(lines).toEqual([]);
  });

  it("takes nothing for an engine's word that something else answers", async () => {
    const page = await listen(createHttpServer((_, response) => response.end('<html>welcome</html>')));
    const noise = await listen(createServer((socket) => socket.on('error', () => undefined).end('hello\r\n\r\n')));
    for (const endpoint of [page, noise]) {
      const driver = testDriver('none', { endpoint });
      expect(await codeOf(driver.ping(within()))).toBe('ENGINE_UNREACHABLE');
      // Not an empty inventory: nothing may be taken for gone.
      const codes = await Promise.all([driver.list(within()), driver.observe('x', within()), driver.measureStorage(within())].map(codeOf));
      expect(new Set(codes)).toEqual(new Set([endpoint === page ? 'ENGINE_REFUSED' : 'ENGINE_UNREACHABLE']));
      await driver.close();
    }
  });
});
