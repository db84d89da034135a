import { once } from 'node:events';
import { expect, it } from 'vitest';
import { docker, describeEachEngine, IDLE, machineSpec } from '../../support/engine/engines.ts';
import { contractTools, within } from '../../support/engine/engine-contract.ts';
import { eventually } from '../../support/eventually.ts';
import type { MachineTerminal, ProgramOptions } from '../../../src/engine/programs.ts';

const SIZE = { columns: 100, rows: 30 };

describeEachEngine('programs in a machine', (engine) => {
  const { ensure } = contractTools(engine);
  const { driver } = engine;
  const running = async () => {
    const spec = machineSpec({ command: IDLE, env: { PASSWORD: 'secret', KEPT: 'kept' } });
    return { id: spec.id, ref: (await ensure(spec)).ref };
  };
  const commandsOf = async (ref: string) => {
    const { Processes } = (await docker.getContainer(ref).top()) as { Processes: string[][] };
    return Processes.map((fields) => fields.at(-1) ?? '');
  };

  async function open({ id, ref }: { id: string; ref: string }): Promise<MachineTerminal & { shown(): string }> {
    const options = { size: SIZE, user: 'nobody-here', hidden: ['PASSWORD'] };
    const terminal = await driver.openTerminal(id, ref, options, within());
    if (typeof terminal === 'string') throw new Error(`There is no terminal: ${terminal}.`);
    let shown = '';
    terminal.stream.on('data', (chunk: Buffer) => (shown += chunk.toString())).resume();
    return { ...terminal, shown: () => shown };
  }

  it('a terminal shows what its shell writes, without secrets, and says how the shell ended', async () => {
    const machine = await running();
    const terminal = await open(machine);
    terminal.stream.write('echo "<$PASSWORD$KEPT>"\n');
    await eventually(() => terminal.shown().includes('<kept>'));
    await terminal.resize({ columns: 42, rows: 17 });
    terminal.stream.write('exit 3\n');
    await once(terminal.stream, 'end');
    expect(await terminal.exitCode()).toBe(3);
    await eventually(async () => (await commandsOf(machine.ref)).every((each) => !each.includes('hang-up')));
  });

  it('a terminal that is closed leaves no process behind', async () => {
    const machine = await running();
    const terminal = await open(machine);
    terminal.stream.write('trap "" HUP; sleep 4321 & sleep 4322\n');
    await eventually(async () => (await commandsOf(machine.ref)).includes('sleep 4322'));
    terminal.close();
    await eventually(async () => (await commandsOf(machine.ref)).length === 2);
    expect((await commandsOf(machine.ref)).join()).not.toContain('432');
  });

  it('a program ends with its exit code and its output, each cut', async () => {
    const { id, ref } = await running();
    const run = (command: ProgramOptions['command'], more: Partial<ProgramOptions> = {}) =>
      driver.runProgram(id, ref, { command, milliseconds: 20_000, maxOutputBytes: 8, hidden: [], ...more }, within());
    const whole = (text: string) => ({ text, isCut: false });
    expect(await run(['sh', '-c', 'echo "$0"; echo bad >&2; exit 7', 'a b'])).toEqual({
      kind: 'exited',
      exitCode: 7,
      stdout: whole('a b\n'),
      stderr: whole('bad\n'),
    });
    expect(await run(['sh', '-c', 'printf 1234567; printf é9'])).toMatchObject({
      stdout: { text: '1234567', isCut: true },
    });
    // It has no input to wait for.
    expect(await run(['cat'])).toMatchObject({ exitCode: 0, stdout: whole('') });
    expect(await run(['no-such-program'])).toEqual({ kind: 'no-program' });
    expect(await run(['sh', '-c', 'sleep 4323 & sleep 4324'], { milliseconds: 1_500 })).toEqual({ kind: 'timed-out' });
    await eventually(async () => !(await commandsOf(ref)).join().includes('432'));
  });

  it('nothing runs in a container that is off, or is not of the machine', async () => {
    const [machine, other] = await Promise.all([running(), running()]);
    const options = { command: ['true'], milliseconds: 1_000, maxOutputBytes: 8, hidden: [] } as const;
    expect(await driver.runProgram(machine.id, other.ref, options, within())).toEqual({ kind: 'not-running' });
    await driver.stop(machine.id, within());
    expect(await driver.runProgram(machine.id, machine.ref, options, within())).toEqual({ kind: 'not-running' });
    expect(await driver.openTerminal(machine.id, machine.ref, { size: SIZE, hidden: [] }, within())).toBe(
      'not-running',
    );
  });
});
