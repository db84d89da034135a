// Has the engine make volumes of a hard size, under the installation of its first argument, until it is killed.
import { randomUUID } from 'node:crypto';
import { DockerDriver } from '../../../src/engine/docker/docker-driver.ts';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { createLog } from '../../../src/log.ts';

const spec: MachineSpec = {
  id: '',
  hash: 'hash',
  imageRef: 'swiftor-test/tiny:1',
  labels: {},
  env: {},
  volumes: [
    { name: 'primary', target: '/config', lifetime: 'until-delete', mustExist: false, sizeBytes: 64 * 2 ** 20 },
  ],
  ports: [],
  cpu: 1,
  memoryBytes: 64 * 2 ** 20,
  pidsLimit: 64,
  shmBytes: 2 ** 20,
  stopGraceSeconds: 5,
  egress: 'none',
  security: { capabilities: [], noNewPrivileges: true, seccomp: 'default', devices: [] },
};
const driver = new DockerDriver({
  endpoint: 'unix:///var/run/docker.sock',
  installationId: process.argv[2] ?? '',
  log: await createLog({ level: 'silent' }),
  isolation: 'off',
});
for (;;) await driver.ensureVolumes({ ...spec, id: randomUUID() }, AbortSignal.timeout(60_000));
