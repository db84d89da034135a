import { withDeadline } from '../../lib/with-deadline.ts';
import type { Log } from '../../log.ts';
import type { EngineDriver, Inventory, Labelled } from '../driver.ts';
import type { MachineAddress, Observation } from '../machine.ts';
import { EngineError } from '../engine-error.ts';
import { findLocalBuild as findBuildHere, type FindLocalBuild } from '../local-builds.ts';
import { connect } from './connection/connect.ts';
import { Containers } from './containers/containers.ts';
import { createEngineCall } from './connection/engine-call.ts';
import { EnsureMachine } from './containers/ensure-machine.ts';
import { describeEngine } from './observe/describe-engine.ts';
import { findMissingDevices } from './host/find-missing-devices.ts';
import { HostCommands } from './host/host-commands.ts';
import { askRegistry } from './images/ask-registry.ts';
import { ImageStorage } from './storage/image-storage.ts';
import { MachineIsolation } from './isolation/machine-isolation.ts';
import { eventsOf, logsOf, statsOf } from './streams/machine-streams.ts';
import { measureMachines } from './storage/measure-machines.ts';
import { MachineNetwork } from './isolation/network.ts';
import { isLiveState, observeInspected, observeListed } from './observe/observe-container.ts';
import { pullImage } from './images/pull-image.ts';
import { SHARED_ENGINE_NAMES, type SharedEngineNames } from './isolation/shared-engine-names.ts';
import { revertMachine } from './containers/revert-machine.ts';
import { RecentOoms } from './observe/recent-ooms.ts';
import { sweepLeftovers } from './sweep-leftovers.ts';
import { SharedPulls } from './images/shared-pulls.ts';
import { StorageProbe } from './storage/storage-probe.ts';
import { MachineVolumes } from './storage/volumes.ts';

const CALL_MILLISECONDS = 15_000;
/** Cleaning up takes about a second. Longer means that the engine does not answer. */
const CLOSE_MILLISECONDS = 10_000;
const PING_MILLISECONDS = 5_000;
const PULL_STALL_MILLISECONDS = 60_000;

export interface DockerDriverOptions {
  /** `unix:///path` or `tcp://host:port`. */
  readonly endpoint: string;
  /** The driver changes only containers and volumes with this installation id. */
  readonly installationId: string;
  readonly log: Log;
  /** 'off' lets machines reach everything that the engine's host reaches. */
  readonly isolation: 'on' | 'off';
  /** Names of what installations share on the engine. Defaults to SHARED_ENGINE_NAMES. */
  readonly engineNames?: SharedEngineNames;
  /** Deadline of an ordinary call. Default: 15 s. */
  readonly callMilliseconds?: number;
  /** How long a pull may go without data. Default: 60 s. */
  readonly pullStallMilliseconds?: number;
  /** Finds running image builds. Defaults to those of `npm run images` on this machine. */
  readonly findLocalBuild?: FindLocalBuild;
}

/** Creates the driver of one Docker Engine. It connects with its first call. Throws if the endpoint is invalid. */
export function createDockerDriver({
  endpoint,
  installationId,
  log,
  isolation: isolationMode,
  engineNames = SHARED_ENGINE_NAMES,
  callMilliseconds = CALL_MILLISECONDS,
  pullStallMilliseconds: stallMilliseconds = PULL_STALL_MILLISECONDS,
  findLocalBuild = findBuildHere,
}: DockerDriverOptions): EngineDriver {
  const { docker, close } = connect(endpoint);
  const call = createEngineCall(endpoint, callMilliseconds);
  const containers = new Containers(docker, call, installationId, Object.values(engineNames.networks));
  const networks = {
    internet: new MachineNetwork(docker, call, engineNames.networks.internet),
    none: new MachineNetwork(docker, call, engineNames.networks.none),
  };
  const host = new HostCommands({ docker, call, containers, installationId });
  const images = new ImageStorage({ docker, call, host, installationId });
  const probe = new StorageProbe({ docker, call, containers, host, images, installationId, log });
  const volumes = new MachineVolumes({ docker, call, installationId, images, probe });
  const isolationTools = { docker, call, containers, host, network: networks.internet, engineNames, endpoint, log };
  const isolation = new MachineIsolation(isolationTools, isolationMode);
  const pullTools = { docker, call, stallMilliseconds };
  const pulls = new SharedPulls((imageRef, signal, onReading) => pullImage(pullTools, imageRef, signal, onReading));
  const imageTools = { docker, call, pulls, unreached: new Map<string, number>(), findLocalBuild };
  const ensureTools = { ...imageTools, containers, volumes, networks, isolation, installationId, log };
  const ooms = new RecentOoms();
  const streamTools = { docker, call, containers, endpoint, installationId, ooms };
  // The type lacks the options.
  const ping: (options: { abortSignal: AbortSignal }) => Promise<unknown> = docker.ping.bind(docker);

  return {
    async ping(signal) {
      await call(
        'answer',
        signal,
        async (abortSignal) => {
          const answer = await ping({ abortSignal });
          if (String(answer) !== 'OK')
            throw new EngineError('ENGINE_UNREACHABLE', `What answers at ${endpoint} is not a Docker Engine.`);
        },
        { milliseconds: Math.min(PING_MILLISECONDS, callMilliseconds) },
      );
    },

    isolate: (signal) => isolation.require(signal),

    async ensureVolumes(spec, signal) {
      return (await volumes.ensure(spec, signal)).enforcement;
    },

    ensure: (spec, signal, onProgress, keep) => new EnsureMachine(ensureTools, spec, signal, onProgress, keep).run(),
    revert: (id, hash, signal) => revertMachine(ensureTools, id, hash, signal),

    async removeOthers(id, ref, signal) {
      const found = await containers.list(signal, id);
      await containers.retire(
        found.filter(({ Id }) => Id !== ref),
        signal,
      );
    },

    async stop(id, signal) {
      const found = await containers.list(signal, id);
      const live = found.filter((one) => isLiveState(observeListed(one, installationId)?.state ?? 'exited'));
      await Promise.all(live.map(({ Id }) => containers.stop(Id, signal)));
    },

    async remove(id, lifetimes, signal) {
      const found = await containers.list(signal, id);
      for (const { Id } of found) {
        // Which volumes it has is known until it is gone; a list of them may lack some.
        for (const { Type, Name } of (await containers.inspect(Id, signal))?.Mounts ?? [])
          if (Type === 'volume' && Name) volumes.note(id, Name);
      }
      await Promise.all(found.map(({ Id }) => containers.remove(Id, signal)));
      await volumes.remove(id, lifetimes, signal);
    },

    async observe(id, signal): Promise<Observation | undefined> {
      const found = await containers.list(signal, id);
      for (const { Id } of found) {
        const details = await containers.inspect(Id, signal);
        const observation = details && observeInspected(details, installationId);
        if (!details || !observation) continue;
        const others = found.filter((one) => one.Id !== Id).flatMap((one) => observeListed(one, installationId) ?? []);
        return {
          ...observation,
          oomKilled: observation.oomKilled || ooms.explains(details),
          ...(others.length > 0 && { others: others.map(({ hash, state }) => ({ hash, state })) }),
        };
      }
      return undefined;
    },

    async list(signal): Promise<Inventory> {
      const [listed, owned] = await Promise.all([containers.list(signal), volumes.list(signal)]);
      const machines = new Map<string, Observation & Labelled>();
      for (const one of listed) {
        const observation = observeListed(one, installationId);
        if (observation && !machines.has(observation.id))
          machines.set(observation.id, { ...observation, labels: one.Labels ?? {} });
      }
      return { machines: [...machines.values()], volumes: owned.map(({ id, name, labels }) => ({ id, name, labels })) };
    },

    events: (signal) => eventsOf(streamTools, signal),
    logs: (id, options, signal) => logsOf(streamTools, id, options, signal),
    stats: (id, signal) => statsOf(streamTools, id, signal),

    async address(id, ref, port, signal): Promise<MachineAddress | undefined> {
      const details = await containers.inspect(ref, signal);
      const observation = details && observeInspected(details, installationId);
      if (observation?.id !== id || observation.ref !== ref || observation.address === undefined) return undefined;
      return { host: observation.address, port };
    },

    measureStorage: (signal) => measureMachines({ docker, call, volumes, images, installationId }, signal),

    async diskSpace(signal) {
      try {
        return await images.diskSpace(signal);
      } catch (error) {
        if (error instanceof EngineError && error.code === 'ENGINE_REFUSED') return undefined;
        throw error;
      }
    },

    describe: (signal) => describeEngine({ docker, call }, signal),
    reachesRegistry: async (imageRef, signal) => (await askRegistry(docker, imageRef, signal)).isReached,
    findMissingDevices: (devices, signal) => findMissingDevices(host, devices, signal),
    sweep: (signal) => sweepLeftovers({ docker, call, containers, probe, installationId, log }, signal),

    async close() {
      await isolation.close();
      const ended = () => Promise.all([probe.close(), host.close()]);
      await withDeadline(CLOSE_MILLISECONDS, new AbortController().signal, ended).catch(() => undefined);
      close();
    },
  };
}
