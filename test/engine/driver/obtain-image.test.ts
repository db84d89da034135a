import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { EnsureProgress } from '../../../src/engine/driver.ts';
import type { MachineSpec, Observation } from '../../../src/engine/machine.ts';
import type { FindLocalBuild } from '../../../src/engine/local-builds.ts';
import {
  docker,
  IDLE,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
  testImage,
} from '../../support/engine/engines.ts';

const installationId = newInstallationId();
afterAll(() => removeInstallation(installationId), 60_000);

const within = () => AbortSignal.timeout(50_000);
const driverWith = (findLocalBuild: FindLocalBuild = async () => undefined) => {
  const driver = testDriver(installationId, { findLocalBuild });
  onTestFinished(() => driver.close());
  return driver;
};
const specOf = (overrides: Partial<MachineSpec>) =>
  machineSpec({ command: IDLE, imageRef: '127.0.0.1:9/nowhere:1', ...overrides });

async function imageOf({ image }: Observation): Promise<string | undefined> {
  return image?.reference;
}

/** A registry that takes connections and never says a word, as behind a firewall that drops what it does not like. */
async function silentRegistry(): Promise<string> {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}/silent:1`;
}

describe('an image whose registry cannot be reached', () => {
  it('is stood in for at once by the one that was built here', async () => {
    const driver = driverWith();
    const progress: EnsureProgress[] = [];
    const spec = specOf({ localImageRef: await testImage() });
    expect(await imageOf(await driver.ensure(spec, within(), (step) => progress.push(step)))).toBe(spec.localImageRef);
    expect(progress.map(({ phase }) => phase)).toEqual(['starting']);
  });

  it(
    'is stood in for within seconds where the registry says nothing at all, and then at once',
    { timeout: 60_000 },
    async () => {
      const driver = driverWith();
      const [imageRef, localImageRef] = [await silentRegistry(), await testImage()];
      const first = performance.now();
      expect(await imageOf(await driver.ensure(specOf({ imageRef, localImageRef }), within(), () => undefined))).toBe(
        localImageRef,
      );
      const second = performance.now();
      await driver.ensure(specOf({ imageRef, localImageRef }), within(), () => undefined);
      // Not asked again: the second takes no part of the three seconds that the first waited.
      expect(second - first).toBeGreaterThan(2_900);
      expect(performance.now() - second).toBeLessThan(second - first);
    },
  );

  it('is waited for while its stand-in is being built, and reports the progress', async () => {
    const localImageRef = `local/swiftor-test-${installationId}:1`;
    onTestFinished(() =>
      docker
        .getImage(localImageRef)
        .remove()
        .catch(() => undefined),
    );
    const tiny = docker.getImage(await testImage());
    let looks = 0;
    const driver = driverWith(async (imageRef) => {
      looks += 1;
      if (looks === 2) await tiny.tag({ repo: localImageRef.split(':')[0] ?? '', tag: '1' });
      return imageRef === localImageRef ? { percent: 40 + looks, secondsLeft: 70 } : undefined;
    });
    const progress: EnsureProgress[] = [];
    const seen = await driver.ensure(specOf({ localImageRef }), within(), (step) => progress.push(step));
    expect(await imageOf(seen)).toBe(localImageRef);
    expect(progress).toEqual([
      { phase: 'building', imageRef: localImageRef, percent: 41, secondsLeft: 70 },
      { phase: 'starting' },
    ]);
  });

  it('fails, with the command that builds its stand-in', async () => {
    const spec = specOf({ localImageRef: 'local/never-built:1' });
    await expect(driverWith().ensure(spec, within(), () => undefined)).rejects.toMatchObject({
      code: 'PULL_FAILED',
      message: expect.stringMatching(/could not be reached.*npm run images -- local\/never-built:1$/s),
    });
  });

  it('fails, and says so, where there is no recipe for it', async () => {
    await expect(driverWith().ensure(specOf({}), within(), () => undefined)).rejects.toMatchObject({
      code: 'PULL_FAILED',
      message: expect.stringMatching(/could not be reached.*no recipe that builds it without a registry\.$/s),
    });
  });
});
