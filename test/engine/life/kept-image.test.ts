import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { EnsureProgress } from '../../../src/engine/driver.ts';
import {
  docker,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
  testImage,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { openTinyRegistry } from '../../support/engine/images/tiny-registry.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

/** Where no registry is. */
const name = `keeps-${randomUUID().slice(0, 8)}`;
const OWN = `127.0.0.1:9/${name}:1`;
const STAND_IN = `local/${name}:1`;
const made: string[] = [];

/** Gives the reference to an image that no reference had before; its id. */
async function build(reference: string): Promise<string> {
  const colon = reference.lastIndexOf(':');
  const container = await docker.createContainer({ Image: await testImage() });
  try {
    const to = { repo: reference.slice(0, colon), tag: reference.slice(colon + 1), comment: randomUUID() };
    const { Id } = (await container.commit(to)) as { Id: string };
    made.push(Id);
    return Id;
  } finally {
    await container.remove();
  }
}

/** Takes the image off the engine, with all its names. */
async function discard(id: string): Promise<void> {
  await docker
    .getImage(id)
    .remove({ force: true })
    .catch((error: { statusCode?: number }) => expect(error.statusCode).toBe(404));
}

const token = await testToken('alice');

describe('the image of a VM', { timeout: 120_000 }, () => {
  afterAll(() => Promise.all(made.map(discard)), 60_000);
  const gateway = useGateway(async () => {
    const entry = {
      code: 'keeper',
      image: OWN,
      localImage: STAND_IN,
      defaultPort: 3000,
      stopGraceSeconds: 1,
      bootSeconds: 20,
    };
    const exceptions = [{ check: '5.18', reason: 'A device of the tests, which no host has.' }];
    const needy = { ...entry, code: 'needy', image: await testImage(), devices: ['/dev/none/such'], exceptions };
    return { distributions: [entry, needy] };
  });

  interface State {
    readonly status: string;
    readonly image: { reference: string; digest: string; isStandIn: boolean; outdated: boolean } | null;
    readonly lastFailure: { code: string; message: string } | null;
    readonly startProblems: readonly { code: string; action: string }[];
  }
  const FIELDS =
    'status image { reference digest isStandIn outdated } lastFailure { code message } startProblems { code action }';
  const look = async (id: string): Promise<State> => {
    const { data, errors } = await gateway.graphql<{ vm: State }>(
      token,
      `query ($id: ID!) { vm(id: $id) { ${FIELDS} } }`,
      { id },
    );
    if (data == null) throw new Error(JSON.stringify(errors));
    return data.vm;
  };
  const becomes = (id: string, fits: (state: State) => boolean) =>
    eventually(
      async () => {
        const state = await look(id);
        return fits(state) && state;
      },
      { deadline: 60_000 },
    );
  const turn = (id: string, how: 'startVm' | 'stopVm' | 'restartVm') =>
    gateway.graphql(token, `mutation ($id: ID!) { ${how}(id: $id) { id } }`, { id });
  const containerOf = async (id: string) => {
    const [container] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`] } });
    return container === undefined ? undefined : { id: container.Id, image: container.ImageID };
  };
  /** Waits until another container than `before` runs, and the VM with it. */
  const replaced = async (id: string, before: string | undefined) => {
    const next = await eventually(
      async () => {
        const container = await containerOf(id);
        return container !== undefined && container.id !== before && (await look(id)).status === 'RUNNING' && container;
      },
      { deadline: 60_000 },
    );
    return next;
  };

  it('is that of its first start until its owner restarts it', async () => {
    const id = await createVm(gateway, token, { distribution: 'keeper', desktop: null, storageType: 'PERSISTENT' });
    expect((await look(id)).image).toBeNull();
    // The registry is away and nothing is built: said before any start.
    const [problem] = (await becomes(id, ({ startProblems }) => startProblems.length > 0)).startProblems;
    expect(problem).toMatchObject({
      code: 'PULL_FAILED',
      action: expect.stringContaining(`npm run images -- ${STAND_IN}`),
    });

    const standIn = await build(STAND_IN);
    await turn(id, 'startVm');
    const first = await replaced(id, undefined);
    expect(first.image).toBe(standIn);
    expect(await look(id)).toMatchObject({
      image: { reference: STAND_IN, digest: standIn, isStandIn: true },
      startProblems: [],
    });

    // The registry is back, and the stand-in was built anew.
    const own = await build(OWN);
    await build(STAND_IN);
    await becomes(id, ({ image }) => image?.outdated === true);
    await gateway.rest(token, 'POST', '/vms/secrets', { body: { vmid: id, key: 'A_KEY', value: 'a value' } });
    const second = await replaced(id, first.id);
    expect(second.image).toBe(standIn);
    await docker.getContainer(second.id).remove({ force: true });
    const third = await replaced(id, second.id);
    expect(third.image).toBe(standIn);
    await turn(id, 'stopVm');
    await becomes(id, ({ status }) => status === 'STOPPED');
    expect((await look(id)).image).toMatchObject({ digest: standIn });
    await turn(id, 'startVm');
    const fourth = await replaced(id, third.id);
    expect(fourth.image).toBe(standIn);

    await turn(id, 'restartVm');
    expect((await replaced(id, fourth.id)).image).toBe(own);
    await becomes(id, ({ image }) => image?.digest === own && !image.isStandIn && !image.outdated);
  });

  it('is not replaced when it is gone: the start fails and says what to do', async () => {
    const first = await build(STAND_IN);
    await build(OWN);
    await docker.getImage(OWN).remove();
    const id = await createVm(gateway, token, { distribution: 'keeper', desktop: null, storageType: 'PERSISTENT' });
    await turn(id, 'startVm');
    expect((await replaced(id, undefined)).image).toBe(first);
    await turn(id, 'stopVm');
    await becomes(id, ({ status }) => status === 'STOPPED');
    const second = await build(STAND_IN);
    await discard(first);
    await becomes(
      id,
      ({ startProblems: [problem] }) =>
        problem?.code === 'IMAGE_NOT_FOUND' && problem.action.startsWith('Restart the VM'),
    );
    await turn(id, 'startVm');
    const { lastFailure } = await becomes(id, ({ status }) => status === 'FAILED');
    expect(lastFailure).toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(/not on its engine any more.*Restart the VM/),
    });
    await turn(id, 'stopVm');
    await becomes(id, ({ status }) => status === 'STOPPED');
    await turn(id, 'restartVm');
    expect((await replaced(id, undefined)).image).toBe(second);
  });

  it('is not enough for a start on a host that lacks a device, which is reported before', async () => {
    const id = await createVm(gateway, token, { distribution: 'needy', desktop: null });
    const { startProblems } = await becomes(id, (state) => state.startProblems.length > 0);
    expect(startProblems).toEqual([
      { code: 'DEVICE_MISSING', action: expect.stringContaining('region whose engine has it') },
    ]);
  });

  it('is forgotten when a VM without lasting volumes stops', async () => {
    const first = await build(STAND_IN);
    const id = await createVm(gateway, token, { distribution: 'keeper', desktop: null, storageType: 'EPHEMERAL' });
    await turn(id, 'startVm');
    expect((await replaced(id, undefined)).image).toBe(first);
    await turn(id, 'stopVm');
    await becomes(id, ({ status, image }) => status === 'STOPPED' && image === null);
    const second = await build(STAND_IN);
    await turn(id, 'startVm');
    expect((await replaced(id, undefined)).image).toBe(second);
  });
});

describe('an engine', () => {
  const installationId = newInstallationId();
  const driver = testDriver(installationId);
  afterAll(async () => {
    await removeInstallation(installationId);
    await driver.close();
  }, 60_000);
  const within = () => AbortSignal.timeout(50_000);
  const command = ['/bin/busybox', 'sleep', '86400'];
  const registryOf = async (port?: number) => {
    const registry = await openTinyRegistry({ pauseMilliseconds: 1, ...(port !== undefined && { port }) });
    onTestFinished(async () => {
      await registry.close();
      await discard(registry.imageRef);
    });
    return registry;
  };

  it('pulls a kept image by its digest, and reports when it cannot', { timeout: 60_000 }, async () => {
    const registry = await registryOf();
    const spec = machineSpec({ command, stopGraceSeconds: 0, imageRef: registry.imageRef });
    const { image } = await driver.ensure(spec, within(), () => undefined);
    if (image?.digest === undefined) throw new Error('The image has no digest.');
    await driver.remove(spec.id, [], within());
    await discard(image.id);
    const progress: EnsureProgress[] = [];
    // The tag is of no more use: what is kept is the digest.
    const later = { ...spec, imageRef: registry.missingRef, keptImage: image };
    const again = await driver.ensure(later, within(), (step) => progress.push(step));
    expect(again.image).toEqual(image);
    expect(progress.some(({ phase }) => phase === 'pulling')).toBe(true);
    await driver.remove(spec.id, [], within());
    await discard(image.id);
    await registry.close();
    await expect(driver.ensure(later, within(), () => undefined)).rejects.toMatchObject({
      code: 'PULL_FAILED',
      message: expect.stringMatching(/not on its engine any more, and cannot be pulled again.*Restart the VM/s),
    });
  });

  it('asks the registry for a newer image and pulls only if there is one', { timeout: 60_000 }, async () => {
    const registry = await registryOf();
    const { imageRef } = registry;
    const spec = machineSpec({ command, stopGraceSeconds: 0, imageRef });
    const { image: newest } = await driver.ensure(spec, within(), () => undefined);
    const phases: string[] = [];
    const renew = (hash: string, by = driver) =>
      by.ensure({ ...spec, hash, renewImage: true }, within(), ({ phase }) => phases.push(phase));
    expect((await renew('second')).image).toEqual(newest);
    await registry.close();
    expect((await renew('third')).image).toEqual(newest);
    expect(phases).not.toContain('pulling');
    // The same reference, and another image.
    await registryOf(Number(/:(\d+)\//.exec(imageRef)?.[1]));
    const fresh = testDriver(installationId);
    onTestFinished(() => fresh.close());
    const { image } = await renew('fourth', fresh);
    expect(phases).toContain('pulling');
    expect(image).toMatchObject({ reference: imageRef, digest: expect.stringMatching(/^sha256:/) });
    expect(image?.digest).not.toBe(newest?.digest);
    const kept = await fresh.ensure(
      { ...spec, hash: 'fifth', ...(newest && { keptImage: newest }) },
      within(),
      () => undefined,
    );
    expect(kept.image).toEqual(newest);
  });

  it('describes itself', async () => {
    const reference = await testImage();
    const { architecture, images } = await driver.describe(within());
    expect(architecture).toBe(process.arch === 'x64' ? 'amd64' : process.arch);
    expect(images.find(({ references }) => references.includes(reference))?.id).toMatch(/^sha256:/);
    expect(await driver.findMissingDevices(['/dev/null', '/dev/none/such', '/dev/shm'], within())).toEqual([
      '/dev/none/such',
    ]);
    expect(await driver.reachesRegistry('127.0.0.1:9/nowhere:1', within())).toBe(false);
    const registry = await registryOf();
    expect(await driver.reachesRegistry(registry.missingRef, within())).toBe(true);
  });
});
