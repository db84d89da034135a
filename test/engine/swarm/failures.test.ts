import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { updateNode } from '../../support/swarm/rig-nodes.ts';
import { execOn } from '../../support/swarm/rig-shell.ts';
import type { RigNode } from '../../support/swarm/rig.ts';
import { useSwarm } from '../../support/swarm/use-swarm.ts';

const swarm = useSwarm();
const secondNode = (): RigNode => swarm.nodes[1] as RigNode;
const containersOn = ({ docker }: RigNode, id: string) =>
  docker.listContainers({ all: true, filters: { label: [`io.swiftor.vm=${id}`] } });

afterEach(() => swarm.reset(), 120_000);

interface SeatDetails {
  readonly Spec: {
    readonly Mode: { readonly Replicated: { readonly Replicas: number } };
    readonly TaskTemplate: { readonly Placement: { readonly Constraints: readonly string[] } };
  };
}
const isDown = async ({ id }: RigNode) => {
  const [manager] = swarm.nodes as [RigNode];
  const { Status } = (await manager.docker.getNode(id).inspect()) as { Status: { State: string } };
  return Status.State === 'down';
};
const volumesOn = async ({ docker }: RigNode, id: string) =>
  (await docker.listVolumes({ filters: { label: [`io.swiftor.vm=${id}`] } })).Volumes ?? [];

describe('a VM on a swarm', () => {
  it('runs on a node of it, is reached there, and leaves nothing', async () => {
    const id = await swarm.create('PERSISTENT');
    await swarm.start(id);
    expect(await swarm.nodeOf(id)).toBeDefined();
    expect(await swarm.answers(id)).toBe(true);
    await swarm.remove(id);
    expect(await swarm.nodes[0]?.docker.listServices()).toEqual([]);
    for (const node of swarm.nodes) {
      expect(await containersOn(node, id)).toEqual([]);
      expect(await volumesOn(node, id)).toEqual([]);
    }
  });
});

describe('the walls of a VM on a swarm', () => {
  it('keep it from the agents and managers of all nodes, whatever their addresses', async () => {
    const id = await swarm.createOn(secondNode());
    for (const { host } of swarm.nodes) {
      for (const port of [2377, 4701]) {
        const said = await execOn(secondNode(), id, `nc -w 2 ${host} ${port} </dev/null && echo open || echo shut`);
        expect([host, port, said.split('\n').at(-1)]).toEqual([host, port, 'shut']);
      }
    }
    await swarm.remove(id);
  });
});

describe("a node's power cut", () => {
  it(
    'moves what has no lasting data within 5 s, and says UNKNOWN of the rest until it is back',
    { timeout: 90_000 },
    async () => {
      const node = secondNode();
      const moving = await swarm.createOn(node);
      const staying = await swarm.createOn(node, 'PERSISTENT');
      await execOn(node, staying, 'echo kept > /config/mine; sync');
      await swarm.rig.kill(node);
      const killedAt = performance.now();
      const saidDown = eventually(() => isDown(node), { deadline: 10_000 }).then(() => performance.now() - killedAt);
      await eventually(async () => (await swarm.see(moving))?.status !== 'RUNNING');
      await swarm.reaches(moving, 'RUNNING', 10_000);
      await eventually(() => swarm.answers(moving));
      const movedMs = performance.now() - killedAt;
      expect((await swarm.nodeOf(moving))?.name).not.toBe(node.name);
      const { lastFailure } = await swarm.reaches(staying, 'UNKNOWN', 5_000);
      expect(lastFailure).toMatchObject({ code: 'NODE_LOST', message: expect.stringContaining(`"${node.name}"`) });
      // Swarm calls a node down after three heartbeats, each of 0.5 to 1.5 s by chance: up to 4.5 s are its own.
      expect(movedMs).toBeLessThan(Math.max(5_000, (await saidDown) + 1_500));
      await swarm.rig.start(node);
      await swarm.reaches(staying, 'RUNNING', 30_000);
      expect(await execOn(node, staying, 'cat /config/mine')).toBe('kept');
      await eventually(async () => (await containersOn(node, moving)).length === 0, { deadline: 30_000 });
      await swarm.remove(moving);
      await swarm.remove(staying);
    },
  );
});

describe('a node that is cut off', () => {
  it('keeps the one writer of lasting data, and its old copies end', { timeout: 90_000 }, async () => {
    const node = secondNode();
    const moving = await swarm.createOn(node);
    const staying = await swarm.createOn(node, 'PERSISTENT');
    const [before] = await containersOn(node, staying);
    await swarm.rig.cut(node);
    await eventually(
      async () => {
        const now = await swarm.nodeOf(moving);
        return now !== undefined && now.name !== node.name;
      },
      { deadline: 15_000 },
    ).catch(() => undefined);
    await swarm.reaches(staying, 'UNKNOWN');
    await swarm.reaches(moving, 'RUNNING');
    // The node goes on without us: the app still writes to its only copy of the data.
    const [during] = await containersOn(node, staying);
    expect(during).toMatchObject({ Id: before?.Id, State: 'running' });
    for (const other of swarm.nodes.filter((each) => each !== node))
      expect(await containersOn(other, staying)).toEqual([]);
    await swarm.rig.heal(node);
    await swarm.reaches(staying, 'RUNNING', 30_000);
    // Adopted, not restarted.
    expect(await containersOn(node, staying)).toMatchObject([{ Id: before?.Id, State: 'running' }]);
    await eventually(async () => (await containersOn(node, moving)).length === 0, { deadline: 30_000 });
    await swarm.remove(moving);
    await swarm.remove(staying);
  });
});

describe("the operator's words for a node", () => {
  it('drain moves what can move, and stops the rest with its sentence', { timeout: 90_000 }, async () => {
    const node = secondNode();
    const moving = await swarm.createOn(node);
    const staying = await swarm.createOn(node, 'PERSISTENT');
    await updateNode(swarm.rig, node, { Availability: 'drain' });
    const { lastFailure } = await swarm.reaches(staying, 'FAILED', 30_000);
    expect(lastFailure).toMatchObject({ code: 'NODE_DRAINED', message: expect.stringContaining(`"${node.name}"`) });
    await eventually(async () => (await containersOn(node, moving)).length === 0, { deadline: 30_000 });
    await swarm.reaches(moving, 'RUNNING');
    expect((await swarm.nodeOf(moving))?.name).not.toBe(node.name);
    await eventually(async () => (await containersOn(node, staying)).every(({ State }) => State === 'exited'));
    await updateNode(swarm.rig, node, { Availability: 'active' });
    await swarm.reaches(staying, 'RUNNING', 70_000);
    await swarm.remove(moving);
    await swarm.remove(staying);
  });

  it('pause lets what runs go on, and new VMs elsewhere', async () => {
    const node = secondNode();
    const running = await swarm.createOn(node);
    await updateNode(swarm.rig, node, { Availability: 'pause' });
    const next = await swarm.create();
    await swarm.start(next);
    expect((await swarm.nodeOf(next))?.name).not.toBe(node.name);
    expect((await swarm.nodeOf(running))?.name).toBe(node.name);
    await updateNode(swarm.rig, node, { Availability: 'active' });
    await swarm.remove(running);
    await swarm.remove(next);
  });
});

describe('a full swarm', () => {
  it('says so in the words of Swarm, and starts the VM once there is room', { timeout: 60_000 }, async () => {
    const { MemTotal } = (await secondNode().docker.info()) as { MemTotal: number };
    // More than half of a node's memory: one VM fits on each.
    const ram = Math.ceil((MemTotal / 2 ** 30) * 0.6);
    const ids = await Promise.all(swarm.nodes.map(() => swarm.create('EPHEMERAL', ram)));
    for (const id of ids) await swarm.start(id);
    const late = await swarm.create('EPHEMERAL', ram);
    await swarm.mutate('startVm', late);
    const { lastFailure } = await swarm.reaches(late, 'FAILED');
    expect(lastFailure).toMatchObject({ code: 'NO_CAPACITY' });
    expect(lastFailure?.message).toMatch(/No node has room for the VM: .*insufficient resources on 3 nodes/);
    await swarm.remove(ids[0] as string);
    await swarm.reaches(late, 'RUNNING', 30_000);
    for (const id of [...ids.slice(1), late]) await swarm.remove(id);
  });
});

describe('lasting data', () => {
  it('has its pin before it is there, and waits with its deletion for its node', { timeout: 90_000 }, async () => {
    const [manager] = swarm.nodes as [RigNode];
    const node = secondNode();
    const seatOf = async (id: string) => (await manager.docker.getService(`swiftor-${id}`).inspect()) as SeatDetails;
    await swarm.useOnly(node);
    const id = await swarm.create('PERSISTENT');
    await eventually(async () => (await volumesOn(node, id)).length > 0);
    // It is off: the seat takes nothing, and keeps its pin.
    await eventually(async () => (await seatOf(id)).Spec.Mode.Replicated.Replicas === 0);
    expect((await seatOf(id)).Spec.TaskTemplate.Placement.Constraints).toEqual([`node.id==${node.id}`]);
    await swarm.useOnly(...swarm.nodes);
    await swarm.start(id);
    expect(await swarm.nodeOf(id)).toBe(node);
    await swarm.rig.kill(node);
    await swarm.reaches(id, 'UNKNOWN');
    await swarm.mutate('deleteVm', id);
    await swarm.reaches(id, 'DELETING');
    // It is tried again and again meanwhile.
    await swarm.rig.start(node);
    await eventually(async () => (await swarm.see(id)) === undefined, { deadline: 30_000 });
    expect(await volumesOn(node, id)).toEqual([]);
    expect(await containersOn(node, id)).toEqual([]);
    expect(await manager.docker.listServices()).toEqual([]);
  });
});

describe('a node without the walls', () => {
  it('takes no VM, and the others go on', { timeout: 90_000 }, async () => {
    const node = swarm.nodes[2] as RigNode;
    const programs = ['/usr/sbin/iptables-restore', '/usr/sbin/ip6tables-restore'];
    const canStart = async () =>
      (await (await fetch(`${swarm.gateway.url}/metrics`)).text()).includes(
        `swiftor_node_can_start_vms{region="AU",node="${node.name}"} 1`,
      );
    await eventually(canStart);
    onTestFinished(async () => {
      for (const program of programs) await swarm.rig.run(node, 'umount', program);
      await eventually(canStart, { deadline: 60_000 });
    }, 70_000);
    for (const program of programs) await swarm.rig.run(node, 'mount', '--bind', '/bin/false', program);
    for (const { Id } of await node.docker.listContainers({ all: true, filters: { name: ['swiftor-guard'] } }))
      await node.docker.getContainer(Id).remove({ force: true });
    await swarm.useOnly(node);
    const id = await swarm.create();
    await swarm.mutate('startVm', id);
    const { lastFailure } = await swarm.reaches(id, 'FAILED', 30_000);
    expect(['ISOLATION_FAILED', 'NO_CAPACITY']).toContain(lastFailure?.code);
    expect(await swarm.nodeOf(id)).toBeUndefined();
    await swarm.useOnly(...swarm.nodes);
    await swarm.start(id);
    expect(await swarm.nodeOf(id)).not.toBe(node);
    const health = (await (await fetch(`${swarm.gateway.url}/health/ready`)).json()) as {
      checks: Record<string, string>;
    };
    expect(health.checks['engine AU']).toContain(`cannot isolate VMs and take none: ${node.name}`);
    const metrics = await (await fetch(`${swarm.gateway.url}/metrics`)).text();
    expect(metrics).toContain(`swiftor_node_can_start_vms{region="AU",node="${node.name}"} 0`);
    expect(metrics).toContain(`swiftor_node_there{region="AU",node="${node.name}"} 1`);
    await swarm.remove(id);
  });
});

describe('an image that only one node has', () => {
  it('reaches another without a registry', { timeout: 60_000 }, async () => {
    const [manager] = swarm.nodes as [RigNode];
    await manager.docker.getImage('swiftor-test/tiny:1').tag({ repo: 'local/only-there', tag: '1' });
    const node = secondNode();
    await swarm.useOnly(node);
    const id = await swarm.create('EPHEMERAL', 1, 'only-there');
    await swarm.start(id);
    expect(await swarm.nodeOf(id)).toBe(node);
    const [there, here] = await Promise.all(
      [manager, node].map(({ docker }) => docker.getImage('local/only-there:1').inspect()),
    );
    expect(here?.Id).toBe(there?.Id);
    expect(await swarm.answers(id)).toBe(true);
    await swarm.remove(id);
  });
});

describe('a node that is removed from the swarm', () => {
  it('is DATA_LOST to what had its data there, which can be deleted', { timeout: 90_000 }, async () => {
    const [manager] = swarm.nodes as [RigNode];
    // A second attempt has one node less.
    const node = (await swarm.members())[1] as RigNode;
    const id = await swarm.createOn(node, 'PERSISTENT');
    await swarm.rig.kill(node);
    await swarm.reaches(id, 'UNKNOWN');
    await eventually(() =>
      manager.docker
        .getNode(node.id)
        .remove({ force: true })
        .then(() => true),
    );
    const { lastFailure } = await swarm.reaches(id, 'FAILED', 30_000);
    expect(lastFailure?.code).toBe('DATA_LOST');
    await swarm.remove(id);
    expect(await manager.docker.listServices()).toEqual([]);
  });
});
