import { eventually } from '../eventually.ts';
import { createTestGateway, type TestGateway } from '../gateway/gateway.ts';
import { testToken } from '../gateway/tokens.ts';
import { useStarted } from '../gateway/use-started.ts';
import { openVm } from '../ingress/open-vm.ts';
import { createVm } from '../vm/vms.ts';
import { nodeOfVm, updateNode } from './rig-nodes.ts';
import { createSwarmRig, type RigNode, type RigOptions, type SwarmRig } from './rig.ts';

interface Seen {
  readonly status: string;
  readonly lastFailure: { readonly code: string; readonly message: string } | null;
}

/** A swarm with a gateway beside its first manager, and what tests do there as one account. */
export interface TestSwarm {
  readonly rig: SwarmRig;
  readonly nodes: readonly RigNode[];
  readonly gateway: TestGateway;
  create(storageType?: 'EPHEMERAL' | 'PERSISTENT', ram?: number, distribution?: string): Promise<string>;
  /** Creates and starts a VM on that node, and lets others onto all nodes afterwards. */
  createOn(node: RigNode, storageType?: 'EPHEMERAL' | 'PERSISTENT'): Promise<string>;
  mutate(mutation: 'startVm' | 'stopVm' | 'restartVm' | 'deleteVm', id: string): Promise<void>;
  /** Starts the VM and waits until it runs. */
  start(id: string): Promise<void>;
  /** Deletes the VM and waits until it is gone. */
  remove(id: string): Promise<void>;
  see(id: string): Promise<Seen | undefined>;
  reaches(id: string, status: string, deadline?: number): Promise<Seen>;
  /** Whether the VM's app answers at the VM's address. */
  answers(id: string): Promise<boolean>;
  /** Lets new VMs onto these nodes only. */
  useOnly(...nodes: readonly RigNode[]): Promise<void>;
  nodeOf(id: string): Promise<RigNode | undefined>;
  /** The nodes that Swarm lists: not those that were removed from it. */
  members(): Promise<readonly RigNode[]>;
  /** Mends all nodes and deletes all VMs: what a failed test leaves must not fail the next one. */
  reset(): Promise<void>;
  /** The settings of another gateway, beside that manager. */
  settingsBeside(manager: RigNode): Settings;
}

/** Its image is one that a test makes. */
const ONLY_THERE = { code: 'only-there', image: 'local/only-there:1', defaultPort: 3000 };

interface StartedSwarm extends AsyncDisposable {
  readonly rig: SwarmRig;
  readonly gateway: TestGateway;
  /** Of an account without limits. */
  readonly token: string;
}

type Settings = Readonly<Record<string, string>>;

/** The swarm for the tests of the file that calls this. With the default, VMs leave a node that is away at once. */
export function useSwarm(options: RigOptions = {}, env: Settings = {}): TestSwarm {
  const settingsBeside = ({ socket, certificates }: RigNode): Settings => ({
    REGIONS: `AU=swarm+unix://${socket}?cpu-overcommit=100`,
    SWARM_CERTS: certificates,
    NODE_PATIENCE: '0',
    ...env,
  });
  const started = useStarted('swarm', () => startSwarm(options, settingsBeside), 120_000);
  const swarm: TestSwarm = {
    get rig() {
      return started().rig;
    },
    get nodes() {
      return started().rig.nodes;
    },
    get gateway() {
      return started().gateway;
    },
    create: (storageType = 'EPHEMERAL', ram = 1, distribution = 'ubuntu') => {
      const { gateway, token } = started();
      const desktop = distribution === 'ubuntu' ? 'xfce' : null;
      return createVm(gateway, token, { storageType, ram, distribution, desktop });
    },
    async createOn(node, storageType) {
      await swarm.useOnly(node);
      const id = await swarm.create(storageType);
      await swarm.start(id);
      await swarm.useOnly(...swarm.nodes);
      return id;
    },
    async mutate(mutation, id) {
      const selection = mutation === 'deleteVm' ? '' : ' { id }';
      const { gateway, token } = started();
      const { errors } = await gateway.graphql(token, `mutation { ${mutation}(id: "${id}")${selection} }`);
      if (errors !== undefined) throw new Error(`${mutation} was refused: ${JSON.stringify(errors)}`);
    },
    async start(id) {
      await swarm.mutate('startVm', id);
      await swarm.reaches(id, 'RUNNING');
    },
    async remove(id) {
      await swarm.mutate('deleteVm', id);
      await eventually(async () => (await swarm.see(id)) === undefined, { deadline: 20_000 });
    },
    async see(id) {
      const query = `{ vm(id: "${id}") { status lastFailure { code message } } }`;
      return (await started().gateway.graphql<{ vm: Seen | null }>(started().token, query)).data?.vm ?? undefined;
    },
    async reaches(id, status, deadline = 20_000) {
      try {
        return await eventually(
          async () => {
            const seen = await swarm.see(id);
            return seen?.status === status && seen;
          },
          { deadline },
        );
      } catch (cause) {
        throw new Error(`The VM is ${JSON.stringify(await swarm.see(id))} and not ${status}.`, { cause });
      }
    },
    answers: async (id) => (await (await openVm(started().gateway, started().token, id)).visit()).body.includes('tiny'),
    async useOnly(...nodes) {
      for (const node of await swarm.members())
        await updateNode(swarm.rig, node, { Availability: nodes.includes(node) ? 'active' : 'pause' });
    },
    async members() {
      const members = (await swarm.nodes[0]?.docker.listNodes())?.map(({ ID }) => ID);
      return swarm.nodes.filter(({ id }) => members?.includes(id));
    },
    nodeOf: (id) => nodeOfVm(swarm.nodes, id),
    async reset() {
      await swarm.rig.mend(await swarm.members());
      await swarm.useOnly(...swarm.nodes);
      const list = async () => {
        const query = '{ vms { edges { node { id } } } }';
        const { data } = await swarm.gateway.graphql<{ vms: { edges: { node: { id: string } }[] } }>(
          started().token,
          query,
        );
        return data?.vms.edges.map(({ node }) => node.id);
      };
      for (const id of (await list()) ?? []) await swarm.mutate('deleteVm', id);
      await eventually(async () => (await list())?.length === 0, { deadline: 60_000 });
    },
    settingsBeside,
  };
  return swarm;
}

async function startSwarm(options: RigOptions, settingsBeside: (manager: RigNode) => Settings): Promise<StartedSwarm> {
  await using undo = new AsyncDisposableStack();
  const token = await testToken('alice', { plan: 'unlimited' });
  const rig = undo.use(await createSwarmRig(options));
  const [manager] = rig.nodes as [RigNode];
  const env = settingsBeside(manager);
  const gateway = undo.use(await createTestGateway({ env, distributions: [ONLY_THERE] }));
  const parts = undo.move();
  return { rig, gateway, token, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}
