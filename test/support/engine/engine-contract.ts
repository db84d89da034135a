import { expect } from 'vitest';
import type { EngineEvent } from '../../../src/engine/engine-reports.ts';
import type { MachineSpec, MachineVolume } from '../../../src/engine/machine.ts';
import { EngineError } from '../../../src/engine/engine-error.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import { docker, machineSpec, type TestEngine } from './engines.ts';

export const within = (seconds = 25) => AbortSignal.timeout(seconds * 1000);
export const ignoreProgress = () => undefined;
export const volume = (overrides: Partial<MachineVolume> = {}): MachineVolume => {
  return { name: 'primary', target: '/config', lifetime: 'until-delete', mustExist: false, ...overrides };
};

export const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error,
  );
export const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof EngineError ? error.code : error),
  );
export const volumesOf = async ({ id }: { id: string }) => {
  const { Volumes } = await docker.listVolumes({ filters: { label: [`${LABEL.machine}=${id}`] } });
  return (Volumes ?? []).map(({ Labels }) => Labels[LABEL.volume]);
};
export const nextEvent = async (
  events: AsyncIterator<EngineEvent>,
  id: string,
  action: EngineEvent['action'],
): Promise<EngineEvent> => {
  const next: IteratorResult<EngineEvent, undefined> = await events.next();
  if (next.done === true) throw new Error(`The events ended before "${action}".`);
  return next.value.id === id && next.value.action === action ? next.value : nextEvent(events, id, action);
};

/** What the tests of the driver contract do with one engine, besides its driver. */
export function contractTools({ driver, installationId }: TestEngine) {
  const ensure = (spec: MachineSpec, signal = within()) => driver.ensure(spec, signal, ignoreProgress);
  const containersOf = ({ id }: { id: string }) =>
    docker.listContainers({
      all: true,
      filters: { label: [`${LABEL.installation}=${installationId}`, `${LABEL.machine}=${id}`] },
    });
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
  return { ensure, containersOf, linesOf, textsOf, outputOf };
}
