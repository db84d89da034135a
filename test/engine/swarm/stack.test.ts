import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { AGENT_NAME } from '../../../src/engine/swarm/agent/agent-container.ts';
import { VERSION } from '../../../src/lib/version.ts';
import { docker } from '../../support/engine/engines.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { eventually } from '../../support/eventually.ts';
import { nodeOfVm, updateNode } from '../../support/swarm/rig-nodes.ts';
import { createSwarmRig, type RigNode } from '../../support/swarm/rig.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');
const run = promisify(execFile);

it('deploy/swiftor.yml leads to a VM on another node, and leaves nothing there', { timeout: 900_000 }, async () => {
  await run('npm', ['run', '--silent', 'image'], { cwd: PROJECT, timeout: 600_000 });
  // By its id: for a name, Swarm asks a registry first, which is not there.
  const { Id: image } = await docker.getImage(`swiftor/gateway:${VERSION}`).inspect();
  const rig = await createSwarmRig({ count: 2, agents: false });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  const [manager, worker] = rig.nodes as [RigNode, RigNode];
  for (const node of rig.nodes) await node.docker.loadImage(await docker.getImage(image).get());

  const config = await mkdtemp(path.join(tmpdir(), 'swiftor-stack-'));
  onTestFinished(() => rm(config, { recursive: true, force: true }));
  const tiny = { code: 'tiny', image: await testImage(), defaultPort: 3000, stopGraceSeconds: 2, portForwarding: true };
  await writeFile(path.join(config, 'catalog.json'), JSON.stringify({ distributions: [tiny] }));
  const stack = (command: string, ...args: string[]) =>
    run('docker', ['--host', `unix://${manager.socket}`, 'stack', command, ...args, 'swiftor'], {
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        GATEWAY_IMAGE: image,
        CERTIFICATES: '/run/swarm-certificates',
        CONFIG: config,
        CATALOG_FILE: '/config/catalog.json',
        LEAVE_AFTER: '2s',
        FORWARD_PORTS: '31000-31099',
      },
    });
  await stack('deploy', '--resolve-image', 'never', '--compose-file', path.join(PROJECT, 'deploy/swiftor.yml'));
  const url = `http://${manager.host}:4000`;
  await eventually(async () => (await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) })).ok, {
    deadline: 120_000,
  });

  const agentId = async () => (await worker.docker.getContainer(AGENT_NAME).inspect()).Id;
  const agent = await agentId();
  const token = await execInGateway(manager, 'swiftor token --user me --plan hacker');
  const ask = async <T>(query: string): Promise<T> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return ((await answer.json()) as { data: T }).data;
  };
  await updateNode(rig, manager, { Availability: 'pause' });
  const { createVm } = await ask<{ createVm: { id: string } }>(
    `mutation { createVm(input: { vmlabel: "mine", region: "AU", password: "x", distribution: "tiny", cpu: 1, ram: 1 }) { id } }`,
  );
  const vm = `(id: "${createVm.id}")`;
  await ask(`mutation { startVm${vm} { id } }`);
  await eventually(
    async () => (await ask<{ vm: { status: string } }>(`{ vm${vm} { status } }`)).vm.status === 'RUNNING',
    {
      deadline: 60_000,
    },
  );
  expect((await nodeOfVm(rig.nodes, createVm.id))?.name).toBe(worker.name);
  await updateNode(rig, manager, { Availability: 'active' });
  // Public ports are those of the node, under the name that the operator gave it.
  const addressOf = async () => {
    const { vm: found } = await ask<{ vm: { ports: { address: string }[] } }>(`{ vm${vm} { ports { address } } }`);
    return found.ports[0]?.address;
  };
  await ask(`mutation { addPort(input: { vmId: "${createVm.id}", protocol: TCP, internalPort: 9000 }) { address } }`);
  expect(await eventually(addressOf)).toMatch(new RegExp(`^${worker.host}:310\\d\\d$`));
  await updateNode(rig, worker, { Labels: { 'swiftor.host': 'play.example.com' } });
  await eventually(async () => (await addressOf())?.startsWith('play.example.com:'));

  // An agent stays while the stack is there, and afterwards as long as a VM needs it.
  expect(await agentId()).toBe(agent);
  await stack('rm');
  await eventually(async () => (await namesOn(manager)).every((name) => !name.startsWith('swiftor_')), {
    deadline: 60_000,
  });
  expect(await namesOn(worker)).toContain(AGENT_NAME);
  await stack('deploy', '--resolve-image', 'never', '--compose-file', path.join(PROJECT, 'deploy/swiftor.yml'));
  await eventually(
    async () => (await ask<{ vm: { status: string } }>(`{ vm${vm} { status } }`)).vm.status === 'RUNNING',
    {
      deadline: 120_000,
    },
  );
  await ask(`mutation { deleteVm${vm} }`);
  await eventually(async () => (await ask<{ vm: null | object }>(`{ vm${vm} { id } }`)).vm === null, {
    deadline: 30_000,
  });
  await stack('rm');
  for (const node of rig.nodes) await eventually(async () => (await namesOn(node)).length === 0, { deadline: 90_000 });
});

async function namesOn(node: RigNode): Promise<string[]> {
  return (await node.docker.listContainers({ all: true })).flatMap(({ Names }) => Names).map((name) => name.slice(1));
}

async function execInGateway(node: RigNode, command: string): Promise<string> {
  const name = (await namesOn(node)).find((each) => each.startsWith('swiftor_gateway.'));
  if (name === undefined) throw new Error('The gateway has no container on the manager.');
  const { stdout } = await run('docker', ['--host', `unix://${node.socket}`, 'exec', name, ...command.split(' ')]);
  return stdout.trim();
}
