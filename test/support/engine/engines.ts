import { randomUUID } from 'node:crypto';
import Docker from 'dockerode';
import { pino } from 'pino';
import { afterAll, describe } from 'vitest';
import { createEngineCall } from '../../../src/engine/docker/connection/engine-call.ts';
import { Containers } from '../../../src/engine/docker/containers/containers.ts';
import { DockerDriver } from '../../../src/engine/docker/docker-driver.ts';
import type { DockerDriverOptions } from '../../../src/engine/docker/docker-tools.ts';
import { HostCommands } from '../../../src/engine/docker/host/host-commands.ts';
import { openSwarm } from '../../../src/engine/open-swarm.ts';
import { parseSwarmEndpoint } from '../../../src/engine/swarm/swarm-endpoint.ts';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { LABEL } from '../../../src/engine/labels.ts';

export { testImage } from './images/tiny-image.ts';

export const TEST_ENDPOINT = 'unix:///var/run/docker.sock';

/** In runs of test/engine/swarm/contract.test.ts, on a node: the swarm whose driver is tested, and its certificates. */
const TEST_SWARM = process.env['TEST_SWARM'];

/** The engine past the driver: to look, and to do what the driver must cope with. */
export const docker = new Docker({ socketPath: '/var/run/docker.sock' });

export interface TestEngine {
  readonly name: string;
  readonly installationId: string;
  readonly driver: EngineDriver;
}

/**
 * A driver of the real engine under an installation of its own. The caller calls `removeInstallation` in the
 * end.
 */
export function testDriver(installationId: string, options: Partial<DockerDriverOptions> = {}): EngineDriver {
  const all = { installationId, log: pino({ level: 'silent' }), isolation: 'on' as const, ...options };
  const isPlain = TEST_SWARM === undefined || Object.keys(options).some((name) => name !== 'engineNames');
  return isPlain ? new DockerDriver({ endpoint: TEST_ENDPOINT, ...all }) : openSwarmDriver(TEST_SWARM, all);
}

function openSwarmDriver(text: string, options: Parameters<typeof openSwarm>[1]): EngineDriver {
  const endpoint = parseSwarmEndpoint(text);
  if (endpoint === undefined) throw new Error(`TEST_SWARM has "${text}", which is no swarm.`);
  return openSwarm(endpoint, { ...options, swarmCertificates: process.env['TEST_SWARM_CERTS'], nodePatienceMs: 0 });
}

export function newInstallationId(): string {
  return `test-${randomUUID()}`;
}

/** Runs commands on the real engine's host. */
export function testHostCommands(installationId: string): HostCommands {
  const call = createEngineCall(TEST_ENDPOINT, 15_000);
  return new HostCommands({ docker, call, containers: new Containers(docker, call, installationId), installationId });
}

/** A machine of the tiny image, small and quick to stop. */
export function machineSpec(overrides: Partial<MachineSpec> = {}): MachineSpec {
  return {
    id: randomUUID(),
    hash: randomUUID().slice(0, 8),
    imageRef: 'swiftor-test/tiny:1',
    labels: {},
    env: {},
    volumes: [],
    ports: [],
    cpu: 1,
    memoryBytes: 64 * 1024 * 1024,
    pidsLimit: 64,
    shmBytes: 16 * 1024 * 1024,
    stopGraceSeconds: 5,
    egress: 'internet',
    security: {
      capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'],
      noNewPrivileges: true,
      seccomp: 'default',
      devices: [],
    },
    ...overrides,
  };
}

/** Whether the real engine has the image. */
export const hasImage = (imageRef: string): Promise<boolean> =>
  docker
    .getImage(imageRef)
    .inspect()
    .then(
      () => true,
      () => false,
    );

/** A command that ends at once on SIGTERM, and otherwise never. */
export const IDLE = ['/bin/sh', '-c', "trap 'exit 0' TERM; sleep 86400 & wait"];
/** One that does not listen. */
export const STUBBORN = ['/bin/sh', '-c', "trap '' TERM; while :; do sleep 86400; done"];

/** Removes each container and volume that carries the installation's label, with what holds their data. */
export async function removeInstallation(installationId: string): Promise<void> {
  const filters = { label: [`${LABEL.installation}=${installationId}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.allSettled(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
  const driver = testDriver(installationId);
  try {
    const signal = AbortSignal.timeout(50_000);
    const { machines, volumes } = await driver.list(signal);
    const ids = new Set([...machines, ...volumes].map(({ id }) => id));
    await Promise.all([...ids].map((id) => driver.remove(id, ['until-stop', 'until-delete'], signal)));
  } finally {
    await driver.close();
  }
  const { Volumes } = await docker.listVolumes({ filters });
  const removals = await Promise.allSettled((Volumes ?? []).map(({ Name }) => docker.getVolume(Name).remove()));
  const failed = removals.filter((removal) => removal.status === 'rejected');
  if (failed.length > 0)
    throw new AggregateError(
      failed.map(({ reason }) => reason),
      'Volumes of the tests were left behind.',
    );
}

/**
 * The suite once for each real engine, under an installation of its own which is removed at the end, also when tests
 * failed.
 */
export function describeEachEngine(title: string, suite: (engine: TestEngine) => void): void {
  describe.each([{ name: TEST_SWARM === undefined ? 'Docker Engine' : 'Docker Swarm' }])(
    `${title}: $name`,
    ({ name }) => {
      const installationId = newInstallationId();
      const driver = testDriver(installationId);
      afterAll(async () => {
        await removeInstallation(installationId);
        await driver.close();
      }, 60_000);
      suite({ name, installationId, driver });
    },
  );
}
