import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { asRootArgv } from '../engine/test-engine-names.ts';
import { testImage } from '../engine/images/tiny-image.ts';
import { eventually } from '../eventually.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');

export interface RigNode {
  readonly name: string;
  /** Swarm's id of it. */
  readonly id: string;
  readonly host: string;
  /** The socket of its engine. */
  readonly socket: string;
  /** The folder of its certificates of Swarm. */
  readonly certificates: string;
  readonly docker: Docker;
}

export interface SwarmRig extends AsyncDisposable {
  readonly nodes: readonly RigNode[];
  /** Ends all of the node at once, as a power cut does. */
  kill(node: RigNode): Promise<void>;
  /** Starts a node that was killed, with its agent. */
  start(node: RigNode): Promise<void>;
  /** Takes the node's cable out, and puts it back. */
  cut(node: RigNode): Promise<void>;
  heal(node: RigNode): Promise<void>;
  /** Starts those of the nodes that were killed, and heals those that were cut off. */
  mend(nodes: readonly RigNode[]): Promise<void>;
  /** Runs a program in the node's namespaces, as if on that machine. Resolves to its exit code and what it wrote. */
  run(
    node: RigNode,
    program: string,
    ...args: string[]
  ): Promise<{ readonly exitCode: number; readonly output: string }>;
}

export interface RigOptions {
  /** How many nodes there are, of which the first is a manager; 3 by default. */
  readonly count?: number;
  /** How many of them are managers; 1 by default. */
  readonly managers?: number;
  /** Whether agents are started; true by default. */
  readonly agents?: boolean;
}

/**
 * A swarm of real engines in namespaces of this machine, with an agent on each node and a heartbeat of a second. It goes
 * with this process, however that ends.
 */
export async function createSwarmRig({ count = 3, managers = 1, agents = true }: RigOptions = {}): Promise<SwarmRig> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-rig-'));
  const name = `swr${process.pid}`;
  // Not a private network: nothing but the walls keeps VMs from the nodes.
  const subnet = `11.78.${(process.pid % 250) + 1}`;
  const [program, ...args] = asRootArgv('bash', path.join(import.meta.dirname, 'rig.sh'), name, folder, subnet);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  undo.defer(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  let turn: Promise<unknown> = Promise.resolve();
  const expectOk = async (command: string) => {
    const { value } = (await lines.next()) as { value: string | undefined };
    if (value !== 'ok') throw new Error(`The rig answered "${value}" to "${command}"; see ${folder}/log.`);
  };
  const tell = (command: string): Promise<void> => {
    const told = turn.then(async () => {
      child.stdin.write(`${command}\n`);
      await expectOk(command);
    });
    turn = told.catch(() => undefined);
    return told;
  };
  await expectOk('open');

  const startAgent = (node: string) => {
    const node24 = path.join(PROJECT, '.runtime/node');
    return tell(`agent ${node} ${node24} ${path.join(PROJECT, 'src/cli.ts')} agent`);
  };
  const numbers = Array.from({ length: count }, (_each, index) => index + 1);
  const places = numbers.map((number) => {
    const socket = path.join(folder, `n${number}`, 'docker.sock');
    return {
      number,
      name: `n${number}`,
      host: `${subnet}.1${number}`,
      socket,
      certificates: path.join(folder, `n${number}`, 'data/swarm/certificates'),
      docker: new Docker({ socketPath: socket }),
    };
  });
  for (const { name: node, number } of places) await tell(`start ${node} ${number}`);
  const [first, ...others] = places;
  if (first === undefined) throw new Error('A rig has at least one node.');
  await first.docker.swarmInit({
    ListenAddr: `${first.host}:2377`,
    AdvertiseAddr: first.host,
    Spec: { Dispatcher: { HeartbeatPeriod: 1_000_000_000 } },
  });
  const { JoinTokens: tokens } = (await first.docker.swarmInspect()) as {
    JoinTokens: { Manager: string; Worker: string };
  };
  // One after the other: two managers that join at once can leave a third that is none.
  for (const { docker, host, number } of others) {
    await docker.swarmJoin({
      ListenAddr: `${host}:2377`,
      AdvertiseAddr: host,
      RemoteAddrs: [`${first.host}:2377`],
      JoinToken: number <= managers ? tokens.Manager : tokens.Worker,
    });
  }
  const nodes = await Promise.all(
    places.map(async ({ number: _number, ...place }): Promise<RigNode> => {
      const { Swarm } = (await place.docker.info()) as { Swarm: { NodeID: string } };
      if (agents) await startAgent(place.name);
      await testImage(place.docker);
      return { ...place, id: Swarm.NodeID };
    }),
  );
  const parts = undo.move();
  const killed = new Set<RigNode>();
  const cutOff = new Set<RigNode>();
  const rig: SwarmRig = {
    nodes,
    async kill(node) {
      killed.add(node);
      await tell(`kill ${node.name}`);
    },
    async start(node) {
      await tell(`start ${node.name} ${node.name.slice(1)}`);
      killed.delete(node);
      await eventually(async () => ((await node.docker.info()) as { Swarm: { NodeID: string } }).Swarm.NodeID !== '');
      await startAgent(node.name);
    },
    async cut(node) {
      cutOff.add(node);
      await tell(`cut ${node.name.slice(1)}`);
    },
    async heal(node) {
      await tell(`heal ${node.name.slice(1)}`);
      cutOff.delete(node);
    },
    async mend(broken) {
      for (const node of broken) {
        if (cutOff.has(node)) await rig.heal(node);
        if (killed.has(node)) await rig.start(node);
      }
    },
    async run(node, program, ...args) {
      const pid = (await readFile(path.join(folder, node.name, 'inner.pid'), 'utf8')).trim();
      const enter = ['nsenter', '--target', pid, '--net', '--mount', '--uts', '--pid', '--', program, ...args];
      const [command, ...rest] = asRootArgv('setpriv', '--pdeathsig', 'KILL', ...enter);
      const running = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
      const said = Promise.all([text(running.stdout), text(running.stderr)]);
      const [exitCode] = (await once(running, 'exit')) as [number | null];
      return { exitCode: exitCode ?? -1, output: (await said).join('') };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
  return rig;
}
