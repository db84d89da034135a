import type { Observation } from '../../machine.ts';
import type { Containers } from '../containers/containers.ts';
import { observeInspected, observeListed } from '../containers/observe-container.ts';
import type { RecentOoms } from './recent-ooms.ts';

interface ObserveTools {
  readonly containers: Containers;
  readonly installationId: string;
  readonly ooms: RecentOoms;
}

/** See `EngineDriver.observe`. */
export async function observeMachine(
  { containers, installationId, ooms }: ObserveTools,
  id: string,
  signal: AbortSignal,
): Promise<Observation | undefined> {
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
}

/** The machine's container with that engine id; undefined if it is gone, or is none of the machine's. */
export async function findContainer(
  { containers, installationId }: Omit<ObserveTools, 'ooms'>,
  id: string,
  ref: string,
  signal: AbortSignal,
): Promise<Observation | undefined> {
  const details = await containers.inspect(ref, signal);
  const observation = details && observeInspected(details, installationId);
  return observation?.id === id && observation.ref === ref ? observation : undefined;
}
