import { expect, it, onTestFinished } from 'vitest';
import { LABEL } from '../../../src/engine/labels.ts';
import { docker, IDLE, machineSpec } from '../../support/engine/engines.ts';
import { useProxiedDriver } from '../../support/engine/proxied/use-proxied-driver.ts';

const engine = useProxiedDriver();
const within = () => AbortSignal.timeout(40_000);

/** Until the test ends, these calls do not reach the engine, and something else answers 200. */
function answerInstead(call: RegExp): void {
  onTestFinished(engine.proxy.rule({ call, act: { kind: 'answer', status: 200, body: '<html>' } }));
}

const volume = {
  name: 'primary',
  target: '/config',
  lifetime: 'until-delete',
  mustExist: false,
  sizeBytes: 64 * 2 ** 20,
} as const;
const newSpec = () => machineSpec({ command: IDLE, volumes: [volume] });
const labelled = (id: string) => ({ filters: { label: [`${LABEL.machine}=${id}`] } });

it('a container is not stopped when only something else says so, and so no second one starts', async () => {
  const spec = newSpec();
  const { ref } = await engine.driver.ensure(spec, within(), () => undefined);
  answerInstead(/^POST \/containers\/\w+\/stop/);
  await expect(engine.driver.stop(spec.id, within())).rejects.toThrow('should be empty');
  const next = { ...spec, hash: `${spec.hash}-new`, volumes: [{ ...volume, mustExist: true }] };
  await expect(engine.driver.ensure(next, within(), () => undefined)).rejects.toThrow('should be empty');
  expect((await docker.listContainers(labelled(spec.id))).map(({ Id }) => Id)).toEqual([ref]);
});

it('a container is not removed when only something else says so', async () => {
  const spec = newSpec();
  await engine.driver.ensure(spec, within(), () => undefined);
  await engine.driver.stop(spec.id, within());
  const asked = performance.now();
  answerInstead(/^DELETE \/containers\//);
  await expect(engine.driver.remove(spec.id, ['until-delete'], within())).rejects.toThrow('should be empty');
  // The next try would come after a minute otherwise.
  expect(performance.now() - asked).toBeLessThan(10_000);
  expect(await docker.listContainers({ ...labelled(spec.id), all: true })).toHaveLength(1);
});
