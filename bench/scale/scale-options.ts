import { parseArgs } from 'node:util';

export interface ScaleSize {
  readonly nodes: number;
  /** VMs for each node. Most are stopped. */
  readonly perNode: number;
  /** How many of them run. */
  readonly running: number;
  /** How many of those are booted. The others run from the beginning, and gateways find them. */
  readonly booted: number;
  /** How many of those die at once, with their nodes; at least one node's. */
  readonly deaths: number;
  readonly gateways: number;
  /** Clients, each of an account with VMs of its own. */
  readonly sockets: number;
  readonly subscriptionsPerSocket: number;
  /** Events a second to begin with; doubled until the bound does not hold. */
  readonly rate: number;
  /** For how long each rate is held. */
  readonly minutes: number;
}

const NAMES = [
  'nodes',
  'per-node',
  'running',
  'booted',
  'deaths',
  'gateways',
  'sockets',
  'subscriptions',
  'rate',
  'minutes',
] as const;

/** Reads the flags of `npm run bench -- scale`. Throws for one that is no number or unknown. */
export function parseScaleSize(args: readonly string[]): ScaleSize {
  const options = Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options });
  const read = (name: (typeof NAMES)[number], otherwise: number): number => {
    const text = values[name];
    const value = typeof text === 'string' ? Number(text) : otherwise;
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0.`);
    return value;
  };
  const [nodes, perNode] = [read('nodes', 10), read('per-node', 100)];
  const running = Math.min(read('running', nodes * perNode), nodes * perNode);
  return {
    nodes,
    perNode,
    running,
    booted: Math.min(read('booted', running), running),
    deaths: read('deaths', Math.ceil(running / 10)),
    gateways: read('gateways', 2),
    sockets: read('sockets', 50),
    subscriptionsPerSocket: read('subscriptions', 20),
    rate: read('rate', 1_000),
    minutes: read('minutes', 1 / 6),
  };
}
