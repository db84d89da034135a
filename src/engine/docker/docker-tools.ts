import type { Log } from '../../log.ts';
import { findLocalBuild as findBuildHere, type FindLocalBuild } from '../local-builds.ts';
import { connect, type ConnectOptions } from './connection/connect.ts';
import { createEngineCall } from './connection/engine-call.ts';
import { Containers } from './containers/containers.ts';
import type { EnsureTools } from './machines/ensure-machine.ts';
import { MachineFiles } from './files/machine-files.ts';
import { HostCommands } from './host/host-commands.ts';
import { pullImage } from './images/pull-image.ts';
import { createFindCredentials } from './images/registry-credentials.ts';
import { SharedPulls } from './images/shared-pulls.ts';
import { MachineIsolation } from './isolation/machine-isolation.ts';
import { MachineNetwork } from './isolation/network.ts';
import { SHARED_ENGINE_NAMES, type SharedEngineNames } from './containers/shared-engine-names.ts';
import { RecentOoms } from './observe/recent-ooms.ts';
import { ImageStorage } from './storage/image-storage.ts';
import { StorageProbe } from './storage/storage-probe.ts';
import { VolumeInventory } from './storage/volume-inventory.ts';
import { MachineVolumes } from './storage/volumes.ts';
import type { StreamTools } from './observe/machine-streams.ts';

const CALL_MILLISECONDS = 15_000;
const PULL_STALL_MILLISECONDS = 60_000;

export interface DockerDriverOptions {
  /** See `parseEndpoint`. */
  readonly endpoint: string;
  /** The driver changes only containers and volumes with this installation id. */
  readonly installationId: string;
  readonly log: Log;
  /** 'off' lets machines reach everything that the engine's host reaches. */
  readonly isolation: 'on' | 'off';
  /** The folder of the certificates for `tls://`. */
  readonly certificates?: string | undefined;
  /** A file with credentials of registries, in the format of Docker's config.json. */
  readonly registryAuthFile?: string | undefined;
  /** IPv4 addresses of hosts that machines may not reach; none by default. */
  readonly peers?: (() => readonly string[]) | undefined;
  /** See `ConnectOptions`. */
  readonly dial?: ConnectOptions['dial'];
  /** Names of what installations share on the engine. Defaults to SHARED_ENGINE_NAMES. */
  readonly engineNames?: SharedEngineNames;
  /** Deadline of an ordinary call. Default: 15 s. */
  readonly callMilliseconds?: number;
  /** How long a pull may go without data. Default: 60 s. */
  readonly pullStallMilliseconds?: number;
  /** Finds running image builds. Defaults to those of `npm run images` on this machine. */
  readonly findLocalBuild?: FindLocalBuild;
}

/** The parts of a driver. Each function takes those that it needs. */
export interface DockerTools extends EnsureTools, StreamTools {
  readonly host: HostCommands;
  readonly files: MachineFiles;
  readonly images: ImageStorage;
  readonly probe: StorageProbe;
  /** Destroys every socket, also those of open streams. */
  readonly closeConnection: () => void;
}

/** Creates the parts for one engine, without connecting. Throws if the endpoint is invalid. */
export function createDockerTools({
  endpoint,
  installationId,
  log,
  certificates,
  dial,
  peers = () => [],
  registryAuthFile,
  isolation: isolationMode,
  engineNames = SHARED_ENGINE_NAMES,
  callMilliseconds = CALL_MILLISECONDS,
  pullStallMilliseconds: stallMilliseconds = PULL_STALL_MILLISECONDS,
  findLocalBuild = findBuildHere,
}: DockerDriverOptions): DockerTools {
  const { docker, close: closeConnection } = connect(endpoint, { certificates, dial });
  const call = createEngineCall(endpoint, callMilliseconds);
  const containers = new Containers(docker, call, installationId, Object.values(engineNames.networks));
  const base = { docker, call, containers, endpoint, installationId, log };
  const networks = {
    internet: new MachineNetwork(docker, call, engineNames.networks.internet),
    none: new MachineNetwork(docker, call, engineNames.networks.none),
  };
  const host = new HostCommands(base);
  const images = new ImageStorage({ ...base, host });
  const probe = new StorageProbe({ ...base, host, images });
  const inventory = new VolumeInventory(base);
  const volumes = new MachineVolumes({ ...base, inventory, images, probe });
  const isolation = new MachineIsolation(
    { ...base, host, network: networks.internet, engineNames, peers },
    isolationMode,
  );
  const findCredentials = createFindCredentials(registryAuthFile);
  const pullTools = { docker, call, stallMilliseconds, findCredentials };
  const pulls = new SharedPulls((imageRef, signal, onReading) => pullImage(pullTools, imageRef, signal, onReading));
  return {
    ...base,
    networks,
    host,
    images,
    probe,
    inventory,
    volumes,
    files: new MachineFiles({ ...base, host, inventory }),
    isolation,
    pulls,
    findCredentials,
    unreached: new Map(),
    findLocalBuild,
    ooms: new RecentOoms(),
    closeConnection,
  };
}
