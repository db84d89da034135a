import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import type { Distribution } from '../../../src/catalog/distribution.ts';
import { DISTRIBUTIONS } from '../../../src/catalog/distributions.ts';
import { containerOptions } from '../../../src/engine/docker/machines/container-options.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { toMachineSpec } from '../../../src/reconciler/plan/machine-spec.ts';
import { forwardProblem } from '../../../src/vm/networking/port-forward.ts';
import { CIS_CHECKS, hostExceptions, type EngineFacts, type Subject } from '../../support/engine/cis-benchmark.ts';
import { docker, newInstallationId, removeInstallation, testDriver, testImage } from '../../support/engine/engines.ts';
import { VM } from '../../support/database/vm-row.ts';

const installationId = newInstallationId();
const driver = testDriver(installationId);
const within = () => AbortSignal.timeout(50_000);

let engine: EngineFacts;
let subjects: ReadonlyMap<string, { readonly distribution: Distribution; readonly subject: Subject }>;

beforeAll(async () => {
  engine = (await docker.info()) as EngineFacts;
  const distributions = [...(await catalogOf(await testImage())).values()];
  const found = await Promise.all(
    distributions.map(
      async (distribution) => [distribution.code, { distribution, subject: await subjectOf(distribution) }] as const,
    ),
  );
  subjects = new Map(found);
}, 120_000);

afterAll(async () => {
  await removeInstallation(installationId);
  await driver.close();
}, 60_000);

/** The built-in catalog, each entry as it is but for its image: the tiny one. */
async function catalogOf(image: string): Promise<ReadonlyMap<string, Distribution>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'swiftor-cis-'));
  try {
    const catalogFile = path.join(directory, 'catalog.json');
    await writeFile(catalogFile, JSON.stringify({ distributions: DISTRIBUTIONS.map(({ code }) => ({ code, image })) }));
    return (await loadCatalog({ catalogFile, plansFile: undefined, defaultPlan: 'core', regions: ['AU'] }))
      .distributions;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * With a port forwarded where the entry lets a user do so, on the address that is the gateway's own unless the operator
 * says another.
 */
async function specOf(distribution: Distribution): Promise<MachineSpec> {
  const desktop = distribution.desktops[0] ?? null;
  const row = { ...VM, id: randomUUID(), distribution: distribution.code, desktop };
  const forwarded = distribution.ports.slice(0, 1).map(async ({ protocol, from }) => {
    return { vmId: row.id, region: row.region, node: null, protocol, internalPort: from, publicPort: await freePort() };
  });
  const vm = { ...row, ports: await Promise.all(forwarded) };
  const spec = toMachineSpec({
    vm,
    distribution,
    secrets: [],
    salt: 'salt',
    policy: { egress: 'internet' },
    bind: '127.0.0.1',
  });
  if (spec === undefined) throw new Error(`The entry "${distribution.code}" has no image.`);
  return spec;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

/** The entry's container as the gateway makes it; not started where this host lacks a device that it needs. */
async function subjectOf(distribution: Distribution): Promise<Subject> {
  const spec = await specOf(distribution);
  const since = Math.floor(Date.now() / 1000);
  const canRun = spec.security.devices.every((device) => existsSync(device));
  const ref = canRun ? (await driver.ensure(spec, within(), () => undefined)).ref : await create(spec);
  const container = docker.getContainer(ref);
  const inspected = await container.inspect();
  const processes: string[][] = canRun ? (await container.top()).Processes : [];
  const filters = { container: [ref], event: ['exec_create'] };
  const events = await docker.getEvents({ since, until: Math.ceil(Date.now() / 1000), filters });
  const told: unknown[] = [];
  for await (const chunk of events) told.push(chunk);
  const publishable = (port: number) => forwardProblem(distribution, 'tcp', port) === undefined;
  return { inspected, processes: processes.map((line) => line.join(' ')), execs: told.length, publishable, engine };
}

async function create(spec: MachineSpec): Promise<string> {
  const volumeNames = new Map(spec.volumes.map(({ name }) => [name, `swtest-${spec.id}-${name}`]));
  for (const Name of volumeNames.values())
    await docker.createVolume({ Name, Labels: { [LABEL.installation]: installationId } });
  const image = { reference: spec.imageRef, id: spec.imageRef };
  const options = containerOptions(spec, {
    name: `swtest-${spec.id}`,
    image,
    installationId,
    networkId: 'swiftor-vms',
    volumeNames,
  });
  return (await docker.createContainer(options)).id;
}

describe('CIS Docker Benchmark 1.6, section 5', () => {
  it('each check is here once', () => {
    expect(CIS_CHECKS.map(({ id }) => id)).toEqual(Array.from({ length: 32 }, (_, index) => `5.${index + 1}`));
  });

  it.for(DISTRIBUTIONS.map(({ code }) => code))(
    '%s: passes each check but those that are named, and needs each that is named',
    (code) => {
      const { distribution, subject } = subjects.get(code) ?? expect.unreachable(`The catalog has no "${code}".`);
      const found = CIS_CHECKS.flatMap((check) => {
        const finding = check.find(subject);
        return finding ? [`${check.id} ${check.title}: ${finding}`] : [];
      });
      const named = [...distribution.exceptions, ...hostExceptions(engine)].map(({ check }) => check);
      expect(found.filter((line) => !named.includes(line.split(' ')[0] ?? ''))).toEqual([]);
      expect(named.filter((id) => !found.some((line) => line.startsWith(`${id} `)))).toEqual([]);
      expect(new Set(named).size).toBe(named.length);
    },
  );
});
