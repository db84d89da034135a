import { EngineError } from '../engine-error.ts';
import type { EngineApi } from '../engine-api.ts';
import { LABEL } from '../labels.ts';
import type { NodeInfo, Place, Placer, PlaceRequest } from '../placer.ts';
import {
  constraints,
  constraintsOf,
  isLasting,
  isTaken,
  pinOf,
  reservations,
  seatName,
  seatService,
  toPlace,
  type Seat,
  type SeatSettings,
} from './seat-service.ts';
import type { SeatImage } from './seat-image.ts';
import type { SwarmEndpoint } from './swarm-endpoint.ts';
import { SwarmManager } from './swarm-manager.ts';
import { architectureOf, coresOf, toNodeInfo } from './swarm-nodes.ts';

interface SwarmPlacerOptions {
  readonly api: EngineApi;
  readonly endpoint: SwarmEndpoint;
  readonly installationId: string;
  readonly image: Promise<SeatImage>;
  /** The architecture of that image, and of all nodes that can be used. */
  readonly architecture: string;
  /** Throws an Error that names what is wrong with the certificates of the manager's node. */
  readonly checkIdentity: () => void;
}

const VERIFIED_FOR_MS = 30_000;

/** Places machines by a Docker Swarm: each has a seat, see `seatService`. */
export class SwarmPlacer implements Placer {
  readonly #options: SwarmPlacerOptions;
  readonly #manager: SwarmManager;
  #nodes: readonly NodeInfo[] | undefined;
  #maxCores = 1;
  #verifiedAt = Number.NEGATIVE_INFINITY;

  constructor(options: SwarmPlacerOptions) {
    this.#options = options;
    this.#manager = new SwarmManager(options.api, options.endpoint.manager);
  }

  async ping(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#verifiedAt < VERIFIED_FOR_MS) return this.#manager.ping(signal);
    await this.#manager.verify(signal);
    try {
      this.#options.checkIdentity();
    } catch (error) {
      throw new EngineError('ENGINE_UNREACHABLE', error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
    const { region } = this.#options.endpoint;
    const nodes = this.#nodes ?? (await this.listNodes(signal));
    if (!nodes.some(({ isOurs }) => isOurs)) {
      const wayOut = `docker node update --label-add region=${region} NODE`;
      throw new EngineError('ENGINE_UNREACHABLE', `No node of the swarm has the label region=${region}: ${wayOut}.`);
    }
    this.#verifiedAt = performance.now();
  }

  async listNodes(signal: AbortSignal): Promise<readonly NodeInfo[]> {
    const { endpoint, architecture } = this.#options;
    const nodes = await this.#manager.listNodes(signal);
    // A seat's program is one of the manager's architecture.
    const fitting = nodes.filter((node) => (architectureOf(node) ?? architecture) === architecture);
    this.#maxCores = Math.max(1, ...fitting.map(coresOf));
    this.#nodes = fitting.map((node) => toNodeInfo(node, endpoint.region));
    return this.#nodes;
  }

  async request(request: PlaceRequest, signal: AbortSignal): Promise<void> {
    const settings = await this.#settings();
    if (await this.#manager.createSeat(seatService(request, settings), signal)) return;
    const place = await this.find(request.id, signal);
    await this.#manager.changeSeat(request.id, (seat) => adapt(seat, place, request, settings), signal);
  }

  async pin(id: string, nodeId: string, isData: boolean, signal: AbortSignal): Promise<void> {
    const { region } = this.#options.endpoint;
    const change = (seat: Seat): object | undefined => {
      if (pinOf(seat) === nodeId && isLasting(seat) === isData) return undefined;
      const { [LABEL.seatData]: _before, ...labels } = seat.Spec.Labels ?? {};
      const Labels = isData ? { ...labels, [LABEL.seatData]: nodeId } : labels;
      const Placement = { Constraints: constraints({ region, pin: nodeId }) };
      return { ...withTask(seat.Spec, { Placement }), Labels };
    };
    await this.#manager.changeSeat(id, change, signal);
  }

  async find(id: string, signal: AbortSignal): Promise<Place | undefined> {
    const seat = await this.#manager.findSeat(id, signal);
    if (seat === undefined) return undefined;
    return toPlace(seat, isTaken(seat) ? await this.#manager.listTasks(signal, seatName(id)) : []);
  }

  async list(signal: AbortSignal): Promise<ReadonlyMap<string, Place>> {
    const [seats, tasks] = await Promise.all([
      this.#manager.listSeats(this.#options.installationId, signal),
      this.#manager.listTasks(signal),
    ]);
    const byService = Map.groupBy(tasks, ({ ServiceID }) => ServiceID);
    return new Map(seats.map((seat) => [idOf(seat), toPlace(seat, byService.get(seat.ID) ?? [])]));
  }

  async vacate(id: string, signal: AbortSignal): Promise<void> {
    const seat = await this.#manager.findSeat(id, signal);
    if (seat === undefined) return;
    if (!isLasting(seat)) return this.#manager.removeSeat(id, signal);
    await this.#manager.changeSeat(id, (each) => (isTaken(each) ? withReplicas(each.Spec, 0) : undefined), signal);
  }

  async unpin(nodeId: string, signal: AbortSignal): Promise<void> {
    const { region } = this.#options.endpoint;
    const seats = await this.#manager.listSeats(this.#options.installationId, signal);
    const left = seats.filter((seat) => !isLasting(seat) && pinOf(seat) === nodeId);
    const change = (seat: Seat): object | undefined => {
      if (isLasting(seat) || pinOf(seat) !== nodeId) return undefined;
      return withTask(seat.Spec, { Placement: { Constraints: constraints({ region }) } });
    };
    for (const seat of left) await this.#manager.changeSeat(idOf(seat), change, signal);
  }

  remove(id: string, signal: AbortSignal): Promise<void> {
    return this.#manager.removeSeat(id, signal);
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    return this.#manager.followNodes(signal);
  }

  close(): void {
    this.#manager.close();
  }

  async #settings(): Promise<SeatSettings> {
    const { installationId, image, endpoint } = this.#options;
    return { installationId, image: (await image).id, ...endpoint, maxCores: this.#maxCores };
  }
}

/** The new spec of a seat; undefined if it is as requested. One with a node that is not unfit keeps it. */
export function adapt(
  seat: Seat,
  place: Place | undefined,
  request: PlaceRequest,
  settings: SeatSettings,
): object | undefined {
  const fitting = (nodeId: string | undefined) =>
    nodeId === undefined || request.unfit.includes(nodeId) ? undefined : nodeId;
  const before = pinOf(seat);
  const nodeId = isTaken(seat) ? fitting(place?.nodeId) : undefined;
  const wanted = reservations(request, settings);
  const has = seat.Spec.TaskTemplate.Resources?.Reservations;
  const isSameSize = has?.MemoryBytes === wanted.MemoryBytes && (has.NanoCPUs ?? 0) === wanted.NanoCPUs;
  const isPinned = request.pin === undefined || before === request.pin;
  if (nodeId !== undefined && isSameSize && isPinned) return undefined;
  // Another size is another task, which must not take the machine to another node.
  const pin = request.pin ?? fitting(before) ?? (isSameSize ? undefined : nodeId);
  const next = constraints({ region: settings.region, pin, avoid: request.avoid });
  if (isTaken(seat) && isSameSize && next.join() === constraintsOf(seat).join()) return undefined;
  const resources = { ...seat.Spec.TaskTemplate.Resources, Reservations: wanted };
  return withTask(withReplicas(seat.Spec, 1), { Placement: { Constraints: next }, Resources: resources });
}

function idOf({ Spec }: Seat): string {
  return Spec.Labels?.[LABEL.seat] ?? '';
}

function withTask(spec: Seat['Spec'], change: object) {
  return { ...spec, TaskTemplate: { ...spec.TaskTemplate, ...change } };
}

function withReplicas(spec: Seat['Spec'], replicas: 0 | 1) {
  return { ...spec, Mode: { Replicated: { Replicas: replicas } } };
}
