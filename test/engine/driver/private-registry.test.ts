import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { askRegistry } from '../../../src/engine/docker/images/ask-registry.ts';
import { pullImage } from '../../../src/engine/docker/images/pull-image.ts';
import { createFindCredentials } from '../../../src/engine/docker/images/registry-credentials.ts';
import { connect } from '../../../src/engine/docker/connection/connect.ts';
import { createEngineCall } from '../../../src/engine/docker/connection/engine-call.ts';
import { TEST_ENDPOINT } from '../../support/engine/engines.ts';
import { openTinyRegistry } from '../../support/engine/images/tiny-registry.ts';

it('an image of a private registry is pulled with the credentials of its host, read anew each time', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-registry-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const password = 'alice:canary-4b1e';
  const registry = await openTinyRegistry({ pauseMilliseconds: 0, password });
  onTestFinished(() => registry.close());
  const { docker, close } = connect(TEST_ENDPOINT);
  onTestFinished(() => close());
  onTestFinished(() =>
    docker
      .getImage(registry.imageRef)
      .remove()
      .catch(() => undefined),
  );
  const { signal } = new AbortController();
  const file = path.join(folder, 'config.json');
  const host = registry.imageRef.split('/')[0] ?? '';
  const findCredentials = createFindCredentials(file);
  const call = createEngineCall(TEST_ENDPOINT, 30_000);
  const pull = () =>
    pullImage({ docker, call, stallMilliseconds: 20_000, findCredentials }, registry.imageRef, signal, () => undefined);

  const auths = (secret: string) =>
    JSON.stringify({ auths: { [host]: { auth: Buffer.from(secret).toString('base64') } } });
  await writeFile(file, auths('alice:wrong'));
  const refused = await pull().then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  expect(refused?.message).toMatch(/could not be pulled|does not give it/);
  expect(refused?.message).not.toContain('wrong');
  expect((await askRegistry({ docker, findCredentials }, registry.imageRef, signal)).digest).toBeUndefined();

  await writeFile(file, auths(password));
  expect((await askRegistry({ docker, findCredentials }, registry.imageRef, signal)).digest).toMatch(/^sha256:/);
  await pull();
  expect((await docker.getImage(registry.imageRef).inspect()).Id).toMatch(/^sha256:/);

  await writeFile(file, '{');
  await expect(pull()).rejects.toThrow('REGISTRY_AUTH_FILE is not JSON.');
});
