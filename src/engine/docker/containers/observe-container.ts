import { MACHINE_STATES, type MachineImage, type MachineState, type Observation } from '../../machine.ts';
import { LABEL } from '../../labels.ts';
import { isMachineNetwork } from './shared-engine-names.ts';

/** The fields that are read of an inspect. Engine versions omit different fields, so few are required. */
export interface InspectedContainer {
  readonly Id: string;
  /** The id of its image. */
  readonly Image?: string;
  /** `Image` is what the container was created from: an id, or a reference in containers of older versions. */
  readonly Config: { readonly Image?: string; readonly Labels?: Readonly<Record<string, string>> | null };
  readonly State: {
    readonly Status: string;
    readonly Running?: boolean;
    readonly ExitCode?: number;
    readonly OOMKilled?: boolean;
    readonly Error?: string;
    readonly StartedAt?: string;
    readonly FinishedAt?: string;
  };
  readonly NetworkSettings?: ContainerNetworks | null;
}

/** The fields that are read of an entry in the list of containers. */
export interface ListedContainer {
  readonly Id: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly State: string;
  readonly Created: number;
  readonly NetworkSettings?: ContainerNetworks | null;
}

interface ContainerNetworks {
  readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string } | null>> | null;
}

/** Translates an inspect; undefined if the container is not this installation's. */
export function observeInspected(container: InspectedContainer, installationId: string): Observation | undefined {
  const owner = ownerOf(container.Config.Labels, installationId);
  if (!owner) return undefined;
  const { State } = container;
  const state = toMachineState(State.Status, State.Running ?? false);
  const ended = state === 'exited' || state === 'dead';
  // The engine's zero time, year 1, means "never".
  const startedAt =
    State.StartedAt === undefined || State.StartedAt.startsWith('0001-') ? undefined : new Date(State.StartedAt);
  return {
    ...owner,
    ref: container.Id,
    state,
    ...imagePart(container),
    ...addressPart(state, container.NetworkSettings),
    ...(ended && State.ExitCode !== undefined && { exitCode: State.ExitCode }),
    oomKilled: State.OOMKilled ?? false,
    ...(State.Error && { error: State.Error }),
    ...(startedAt && { startedAt }),
  };
}

/**
 * Translates an entry of the list, without the details that only an inspect has; undefined if the container is not this
 * installation's.
 */
export function observeListed(container: ListedContainer, installationId: string): Observation | undefined {
  const owner = ownerOf(container.Labels, installationId);
  if (!owner) return undefined;
  const state = toMachineState(container.State, false);
  return { ...owner, ref: container.Id, state, ...addressPart(state, container.NetworkSettings), oomKilled: false };
}

/**
 * Sorts containers so that the one that counts for its machine comes first: live before ended, new before old. A
 * machine has two only between the creation of a container and the removal of the one that it replaces.
 */
export function byPriority(containers: readonly ListedContainer[]): readonly ListedContainer[] {
  const isLive = ({ State }: ListedContainer) => Number(isLiveState(toMachineState(State, false)));
  return containers.toSorted((a, b) => isLive(b) - isLive(a) || b.Created - a.Created || (a.Id < b.Id ? -1 : 1));
}

/** True while the container has processes. */
export function isLiveState(state: MachineState): boolean {
  return state === 'running' || state === 'paused' || state === 'restarting';
}

function ownerOf(labels: Readonly<Record<string, string>> | null | undefined, installationId: string) {
  const id = labels?.[LABEL.machine];
  if (id === undefined || labels?.[LABEL.installation] !== installationId) return undefined;
  return { id, hash: labels[LABEL.hash] ?? '' };
}

function imagePart({ Image: id, Config: { Image: named, Labels } }: InspectedContainer): {
  readonly image?: MachineImage;
} {
  const reference = Labels?.[LABEL.image] ?? named;
  if (id === undefined || reference === undefined) return {};
  const digest = Labels?.[LABEL.imageDigest];
  const standInFor = Labels?.[LABEL.standInFor];
  return {
    image: { reference, id, ...(digest !== undefined && { digest }), ...(standInFor !== undefined && { standInFor }) },
  };
}

function toMachineState(status: string, running: boolean): MachineState {
  return MACHINE_STATES.find((state) => state === status) ?? (running ? 'running' : 'exited');
}

function addressPart(state: MachineState, networks: ContainerNetworks | null | undefined) {
  // A paused container keeps its address, but nothing answers there.
  const [, own] = Object.entries(networks?.Networks ?? {}).find(([name]) => isMachineNetwork(name)) ?? [];
  const address = state === 'running' ? own?.IPAddress : undefined;
  return address ? { address } : {};
}
