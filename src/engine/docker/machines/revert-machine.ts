import type Docker from 'dockerode';
import type { Log } from '../../../log.ts';
import type { Observation } from '../../machine.ts';
import { LABEL } from '../../labels.ts';
import { bringUp } from './bring-up.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { isNetworkGone } from '../isolation/is-network-gone.ts';
import type { MachineIsolation } from '../isolation/machine-isolation.ts';
import { isLiveState, observeInspected, observeListed } from '../containers/observe-container.ts';
import { StaleContainerError, retryWhileStale } from './stale-container-error.ts';
import type { MachineVolumes } from '../storage/volumes.ts';

interface RevertTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly isolation: MachineIsolation;
  readonly volumes: MachineVolumes;
  readonly installationId: string;
  readonly log: Log;
}

/** See `EngineDriver.revert`. */
export function revertMachine(
  tools: RevertTools,
  id: string,
  hash: string,
  signal: AbortSignal,
): Promise<Observation | undefined> {
  const { containers, isolation, installationId, log } = tools;
  return retryWhileStale(signal, async () => {
    const all = await containers.list(signal, id);
    const kept = all.find(
      ({ Labels, State }) => Labels?.[LABEL.hash] === hash && State !== 'dead' && State !== 'removing',
    );
    if (kept === undefined) return undefined;
    if (kept.State !== 'running') await isolation.require(signal);
    // Stop all others first: two containers must never write to the volumes at once.
    await containers.retire(
      all.filter((one) => one !== kept),
      signal,
    );
    if (!isLiveState(observeListed(kept, installationId)?.state ?? 'exited')) await tools.volumes.reattach(id, signal);
    try {
      await bringUp(tools, { id, ref: kept.Id, state: kept.State }, signal);
    } catch (error) {
      const details = await containers.inspect(kept.Id, signal);
      if (!(await isNetworkGone(tools, error, details?.HostConfig?.NetworkMode, signal))) throw error;
      // It refers to its network by an id that no new network gets.
      log.warn(
        { err: error, machine: id, ref: kept.Id },
        'the network of the previous container is gone; removing the container',
      );
      await containers.remove(kept.Id, signal);
      return undefined;
    }
    const details = await containers.inspect(kept.Id, signal);
    const observation = details && observeInspected(details, installationId);
    if (!observation)
      throw new StaleContainerError(`The container of machine ${id} was removed as soon as it was started again.`);
    return observation;
  });
}
