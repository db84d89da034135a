/** The endpoint of a region on a swarm: `swarm+unix:///var/run/docker.sock?region=AU`. */
export interface SwarmEndpoint {
  /** Of the manager: `unix:///path` or `tcp://host:port`. */
  readonly manager: string;
  /** The label `region` of its nodes; undefined: all nodes of the swarm. */
  readonly region: string | undefined;
  /** How many cores VMs may have for each core of a node. */
  readonly cpuOvercommit: number;
}

const DEFAULT_CPU_OVERCOMMIT = 4;

/** Undefined if the endpoint is no swarm. Throws an Error that names what is wrong with the text. */
export function parseSwarmEndpoint(text: string): SwarmEndpoint | undefined {
  const [, manager = '', query = ''] = /^swarm\+((?:unix|tcp):\/\/[^?]+)(?:\?(.*))?$/i.exec(text) ?? [];
  if (manager === '') return undefined;
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => name !== 'region' && name !== 'cpu-overcommit');
  if (unknown !== undefined)
    throw new Error(`"${unknown}" is no parameter of a swarm: it has region and cpu-overcommit.`);
  const region = parameters.get('region') ?? undefined;
  if (region !== undefined && !/^[\w.-]{1,100}$/.test(region))
    throw new Error('The parameter "region" of a swarm must be a label of its nodes, such as region=AU.');
  const cpuOvercommit = Number(parameters.get('cpu-overcommit') ?? DEFAULT_CPU_OVERCOMMIT);
  if (!(cpuOvercommit >= 0.1 && cpuOvercommit <= 1000))
    throw new Error('The parameter "cpu-overcommit" of a swarm must be a number from 0.1 to 1000.');
  return { manager, region, cpuOvercommit };
}
