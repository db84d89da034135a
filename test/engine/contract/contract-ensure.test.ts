import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { LABEL } from '../../../src/engine/labels.ts';
import { describeEachEngine, docker, IDLE, machineSpec, testImage } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { contractTools, failureOf, volume, volumesOf, within } from '../../support/engine/engine-contract.ts';

beforeAll(async () => {
  await testImage();
});

describeEachEngine('The driver contract, making machines', (engine) => {
  const { driver, installationId } = engine;
  const { ensure, containersOf, linesOf, textsOf, outputOf } = contractTools(engine);

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
      expect(address).toMatchObject({ host: first.address, port: 3000 });
      const page = await eventually(async (signal) =>
        (await fetch(`http://${first.address}:3000/`, { signal })).text(),
      );
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
      const command = [
        '/bin/sh',
        '-c',
        'echo "$GENERATION" >> /config/marker; cat /config/marker; trap "exit 0" TERM; sleep 86400 & wait',
      ];
      const old = machineSpec({ command, env: { GENERATION: 'one' }, volumes: [volume()] });
      const before = await ensure(old);
      await eventually(async () => (await textsOf(old)).length === 1);
      const after = await ensure({
        ...old,
        hash: 'other',
        env: { GENERATION: 'two' },
        volumes: [volume({ mustExist: true })],
      });
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
      const command = [
        '/bin/sh',
        '-c',
        `trap 'exit 0' TERM; cat /proc/1/environ > /www/environ; httpd -f -p 3000 -h /www & wait`,
      ];
      const { address } = await ensure(machineSpec({ command, env }));
      const environ = await eventually(async (signal) =>
        (await fetch(`http://${address}:3000/environ`, { signal })).text(),
      );
      const pairs = environ.split('\0').filter(Boolean);
      const seen = Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
      );
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
      expect({ runtime: HostConfig.Runtime, running: State.Running }).toEqual({
        runtime: 'io.containerd.runc.v2',
        running: true,
      });
    });

    it('leaves a process no more rights than its profile says, and no more memory and processes', async () => {
      const status =
        'cat /proc/1/status; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true';
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
      expect(error).toMatchObject({
        name: 'EngineError',
        code: 'START_FAILED',
        message: expect.stringContaining('/bin/no-such-command'),
      });
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
      expect(await failureOf(ensure(spec))).toMatchObject({
        code: 'IMAGE_NOT_FOUND',
        message: expect.stringContaining('not been built'),
      });
      expect(await containersOf(spec)).toEqual([]);
    });

    it('says DATA_LOST and makes nothing when a volume that held data is gone', async () => {
      const spec = machineSpec({
        volumes: [volume({ name: 'fresh', target: '/fresh' }), volume({ name: 'gone', mustExist: true })],
      });
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
      const stale = await docker.createContainer({
        Image: old.imageRef,
        Cmd: [...IDLE],
        Labels: labels,
        HostConfig: options,
      });
      const seen = await ensure(old);
      expect(seen).toMatchObject({ state: 'running', address: expect.any(String) });
      expect(seen.ref).not.toBe(stale.id);
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
});
