import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import { describeEachEngine, docker, IDLE, machineSpec, testImage } from '../../support/engine/engines.ts';
import { echo, ECHO_COMMAND, echoImage } from '../../support/engine/images/echo-image.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort, holdPort } from '../../support/ports.ts';
import {
  codeOf,
  contractTools,
  failureOf,
  ignoreProgress,
  volume,
  within,
} from '../../support/engine/engine-contract.ts';

beforeAll(async () => {
  await testImage();
});

describeEachEngine('The driver contract, replacing machines and forwarding ports', (engine) => {
  const { driver, installationId } = engine;
  const { ensure, containersOf } = contractTools(engine);

  describe('a replacement', () => {
    const serve = [
      '/bin/sh',
      '-c',
      `trap 'exit 0' TERM; echo $WHICH >> /config/marker; httpd -f -p 3000 -h /config & wait`,
    ];
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
    const replace = (before: MachineSpec, after: MachineSpec) =>
      driver.ensure(after, within(), ignoreProgress, before.hash);
    const revert = ({ id, hash }: MachineSpec) => driver.revert(id, hash, within());

    it('keeps the old container, stopped, and the data of each volume, until the caller confirms that the new one answers', async () => {
      const before = old();
      const after = changed(before);
      const first = await ensure(before);
      await markerOf(first);
      const second = await replace(before, after);
      expect(await statesOf(before)).toEqual({ [before.hash]: 'exited', [after.hash]: 'running' });
      expect(await markerOf(second)).toBe('old\nnew\n');
      const seen = await driver.observe(before.id, within());
      expect(seen).toMatchObject({
        ref: second.ref,
        state: 'running',
        others: [{ hash: before.hash, state: 'exited' }],
      });
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
    const portOf = (protocol: 'tcp' | 'udp', publicPort: number) => ({
      protocol,
      internalPort: 7,
      publicPort,
      bind: '127.0.0.1',
    });
    const echoing = async (ports: MachineSpec['ports']) =>
      machineSpec({ imageRef: await echoImage(), command: ECHO_COMMAND, ports });

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
});
