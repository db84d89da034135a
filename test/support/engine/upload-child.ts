// Uploads a file of which only a part comes, until it is killed: `INSTALLATION MACHINE CONTAINER PATH`.
import { Readable } from 'node:stream';
import { DockerDriver } from '../../../src/engine/docker/docker-driver.ts';
import { createLog } from '../../../src/log.ts';

const [installationId = '', id = '', ref = '', path = ''] = process.argv.slice(2);
const driver = new DockerDriver({
  endpoint: 'unix:///var/run/docker.sock',
  installationId,
  log: await createLog({ level: 'silent' }),
  isolation: 'off',
});
const content = new Readable({ read() {} });
content.push('half');
await driver.files.write(id, ref, path, { bytes: 1_000, content }, AbortSignal.timeout(60_000));
