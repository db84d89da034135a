import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import { openEngines } from '../../../src/engine/open-engines.ts';
import { failureOf } from '../../support/engine/engine-contract.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import type { RigNode } from '../../support/swarm/rig.ts';
import { useSwarm } from '../../support/swarm/use-swarm.ts';

const swarm = useSwarm({ managers: 3 }, { NODE_PATIENCE: '15s' });
const node = (index: 0 | 1 | 2): RigNode => swarm.nodes[index] as RigNode;

describe('what is no swarm to run VMs on', () => {
  const open = (endpoint: string, swarmCertificates = node(0).certificates): EngineDriver => {
    const options = { installationId: 'test', log: pino({ level: 'silent' }), isolation: 'on' } as const;
    const engines = openEngines(new Map([['AU', endpoint]]), { ...options, swarmCertificates });
    onTestFinished(() => engines.close());
    return engines.drivers.get('AU') as EngineDriver;
  };
  const whyNot = (driver: EngineDriver) => failureOf(driver.ping(AbortSignal.timeout(5_000)));

  it('is told in a sentence with the way out', async () => {
    expect(await whyNot(open('swarm+unix:///var/run/docker.sock'))).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(/is in no swarm: run docker swarm init there/),
    });
    const endpoint = `swarm+unix://${node(0).socket}`;
    expect(await whyNot(open(`${endpoint}?region=NZ`))).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(/No node of the swarm has the label region=NZ: docker node update --label-add/),
    });
    expect(await whyNot(open(endpoint, '/nowhere'))).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(/"\/nowhere\/swarm-node\.key".*cannot be read: ENOENT\. SWARM_CERTS/),
    });
  });
});

describe('an engine that restarts within NODE_PATIENCE', () => {
  it('keeps its VMs, which come up there', { timeout: 60_000 }, async () => {
    const id = await swarm.createOn(node(1));
    await swarm.rig.kill(node(1));
    await swarm.reaches(id, 'UNKNOWN');
    await swarm.rig.start(node(1));
    await swarm.reaches(id, 'RUNNING', 30_000);
    expect(await swarm.nodeOf(id)).toBe(node(1));
    await swarm.remove(id);
  });
});

describe('a swarm without a leader', () => {
  it('lets what runs go on, be changed and be stopped, and starts the rest later', { timeout: 120_000 }, async () => {
    const running = await swarm.createOn(node(0));
    const stopping = await swarm.createOn(node(0));
    const starting = await swarm.create();
    await swarm.rig.kill(node(1));
    await swarm.rig.kill(node(2));
    expect(await swarm.answers(running)).toBe(true);
    await swarm.mutate('stopVm', stopping);
    // Swarm calls the two nodes ready for ever: no call may wait for them.
    await swarm.reaches(stopping, 'STOPPED', 50_000);
    // A VM that has a place is changed there.
    const refOf = async () => {
      const found = await node(0).docker.listContainers({ filters: { label: [`io.swiftor.vm=${running}`] } });
      return found[0]?.Id;
    };
    const before = await refOf();
    await swarm.mutate('restartVm', running);
    await eventually(async () => ![before, undefined].includes(await refOf()), { deadline: 40_000 });
    await swarm.reaches(running, 'RUNNING', 40_000);
    expect(await swarm.answers(running)).toBe(true);
    await swarm.mutate('startVm', starting);
    await swarm.rig.start(node(1));
    await swarm.reaches(starting, 'RUNNING', 60_000);
    expect((await swarm.see(running))?.status).toBe('RUNNING');
    await swarm.rig.start(node(2));
    for (const id of [running, stopping, starting]) await swarm.remove(id);
  });
});

describe('a manager and its gateway that end together', () => {
  it('are replaced: another gateway brings up elsewhere what ran there', { timeout: 120_000 }, async () => {
    const { databaseUrl } = swarm.gateway;
    const other = await createTestGateway({ databaseUrl, env: swarm.settingsBeside(node(1)) });
    const moving = await swarm.createOn(node(1));
    const staying = await swarm.createOn(node(1), 'PERSISTENT');
    await swarm.rig.kill(node(1));
    await other[Symbol.asyncDispose]();
    await eventually(
      async () => {
        const found = await swarm.nodeOf(moving);
        return found !== undefined && found !== node(1);
      },
      { deadline: 60_000 },
    );
    await swarm.reaches(moving, 'RUNNING');
    expect(await swarm.answers(moving)).toBe(true);
    expect(await swarm.see(staying)).toMatchObject({ status: 'UNKNOWN', lastFailure: { code: 'NODE_LOST' } });
  });
});
