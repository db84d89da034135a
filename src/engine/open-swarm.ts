import { failedSocket } from '../lib/failed-socket.ts';
import { toError } from '../lib/to-error.ts';
import { ClusterDriver } from './cluster/cluster-driver.ts';
import type { NodeLine } from './cluster/nodes/cluster-node.ts';
import { createEngineApi } from './docker/connection/engine-api.ts';
import { DockerDriver } from './docker/docker-driver.ts';
import type { DockerDriverOptions } from './docker/docker-tools.ts';
import type { EngineDriver } from './driver.ts';
import type { EngineOptions } from './engine-options.ts';
import type { NodeInfo } from './placer.ts';
import { dialNode } from './swarm/line/dial-node.ts';
import type { LineRequest } from './swarm/line/line-request.ts';
import { CurrentIdentity } from './swarm/line/node-identity.ts';
import { ensureSeatImage, makeSeatImage } from './swarm/seat-image.ts';
import type { SwarmEndpoint } from './swarm/swarm-endpoint.ts';
import { SwarmPlacer } from './swarm/swarm-placer.ts';

/** Where engines keep the certificates of their node. */
const CERTIFICATES = '/var/lib/docker/swarm/certificates';
const PATIENCE_MS = 30_000;

/** What nodes share has its names in tests. */
type SwarmOptions = EngineOptions & Pick<DockerDriverOptions, 'engineNames'>;

/** Creates the driver of a swarm: a cluster whose placer is the swarm, and whose lines are those of its agents. */
export function openSwarm(
  endpoint: SwarmEndpoint,
  { swarmCertificates = CERTIFICATES, nodePatienceMs = PATIENCE_MS, ...options }: SwarmOptions,
): EngineDriver {
  const { installationId, log } = options;
  const identity = new CurrentIdentity(swarmCertificates);
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const image = makeSeatImage(architecture);
  // Whoever places a machine sees it.
  image.catch(() => undefined);
  const placer = new SwarmPlacer({
    api: createEngineApi(endpoint.manager),
    endpoint,
    installationId,
    image,
    architecture,
    checkIdentity: () => void identity.get(),
  });
  return new ClusterDriver({
    placer,
    log,
    patienceMs: nodePatienceMs,
    parts: {
      openLine: (current) => openLine(current, identity),
      openEngine: (name, dial, peers) => ({
        driver: new DockerDriver({ ...options, endpoint: name, dial, peers }),
        api: createEngineApi(name, { dial }),
      }),
      prepare: async (api, signal) => ensureSeatImage(api, await image, signal),
    },
  });
}

function openLine(current: () => NodeInfo, identity: CurrentIdentity): NodeLine {
  const sessions = new Map<string, Buffer>();
  const open = (request: LineRequest) => {
    try {
      return dialNode(current(), request, identity.get(), sessions);
    } catch (error) {
      return failedSocket(toError(error));
    }
  };
  return {
    openEngine: () => open({ kind: 'engine' }),
    openMachine: ({ host, port }) => open({ kind: 'machine', host, port }),
  };
}
