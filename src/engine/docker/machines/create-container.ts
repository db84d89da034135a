import type Docker from 'dockerode';
import type { MachineSpec } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { containerNames } from '../containers/machine-names.ts';
import { containerOptions, type ContainerPlace } from './container-options.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { observeInspected } from '../containers/observe-container.ts';
import { StaleContainerError } from './stale-container-error.ts';
import { finishDespiteAbort } from '../connection/finish-despite-abort.ts';

/** Creation copies the image's files into a new volume. */
const CREATE_MILLISECONDS = 120_000;

interface CreateTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
}

/**
 * Creates the spec's container under the first of its names without a foreign owner, and returns its engine id. Throws
 * StaleContainerError if a concurrent call created it.
 */
export async function createContainer(
  { docker, call, containers }: CreateTools,
  spec: MachineSpec,
  place: Omit<ContainerPlace, 'name'>,
  signal: AbortSignal,
): Promise<string> {
  for (const name of containerNames(place.installationId, spec)) {
    const options = containerOptions(spec, { ...place, name });
    try {
      const create = async (abortSignal: AbortSignal) => {
        const { id } = await docker.createContainer({ ...options, abortSignal });
        if (typeof id !== 'string') throw new TypeError('its answer describes no container.');
        containers.note(spec.id, id);
        return id;
      };
      const limits = { milliseconds: CREATE_MILLISECONDS, refusal: 'START_FAILED' } as const;
      return await finishDespiteAbort(signal, (late) => call('create a container', late, create, limits));
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      const holder = await containers.inspect(name, signal);
      const owner = holder && observeInspected(holder, place.installationId);
      // Ours: just created, being removed, or missing from a list.
      if (holder && owner?.id === spec.id) containers.note(spec.id, holder.Id);
      if (!holder || owner?.id === spec.id)
        throw new StaleContainerError(`The name "${name}" was temporarily taken.`, { cause: error });
    }
  }
  throw new EngineError('ENGINE_REFUSED', `Foreign containers have taken every possible name for machine ${spec.id}.`);
}
