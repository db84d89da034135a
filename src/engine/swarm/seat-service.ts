import { z } from 'zod';
import { LABEL } from '../labels.ts';
import type { Place, PlaceRequest } from '../placer.ts';

/** What all seats of a region share. */
export interface SeatSettings {
  readonly installationId: string;
  /** The id of the seats' image. */
  readonly image: string;
  /** Seats are placed on nodes whose label `region` has this value; if undefined, on any node. */
  readonly region: string | undefined;
  readonly cpuOvercommit: number;
  /** Cores of the largest node: a VM may have more than any node has, as on a single engine. */
  readonly maxCores: number;
}

const PINNED_TO = /^node\.id ?== ?(\S+)$/;
/** What the engine accepts at least. */
const MIN_RESERVED_BYTES = 4 * 2 ** 20;
const SEAT_BYTES = 16 * 2 ** 20;
const NANO = 1e9;
const MIN_NANO_CPUS = 1e6;

export function seatName(id: string): string {
  return `swiftor-${id}`;
}

export function seatFilters(installationId: string): string {
  return JSON.stringify({ label: [`${LABEL.installation}=${installationId}`, LABEL.seat] });
}

/**
 * The service of one idle task that takes what the machine will: so the swarm chooses its node, counts what is taken
 * there, sees the node die and chooses again. It does not run the machine itself, because services lack most of what
 * isolates and limits one.
 */
export function seatService(request: PlaceRequest, settings: SeatSettings) {
  const { id, pin, avoid } = request;
  const { installationId, image, region } = settings;
  return {
    Name: seatName(id),
    // Not on the container: its label would make it one of the installation's machines.
    Labels: { [LABEL.installation]: installationId, [LABEL.seat]: id },
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        // There is nothing to say goodbye to.
        StopSignal: 'SIGKILL',
        ReadOnly: true,
        CapabilityDrop: ['ALL'],
        Labels: { [LABEL.seat]: id },
      },
      Resources: {
        Reservations: reservations(request, settings),
        Limits: { MemoryBytes: SEAT_BYTES },
      },
      RestartPolicy: { Condition: 'any', Delay: 0 },
      Placement: { Constraints: constraints({ region, pin, avoid }) },
      // Without a network of its own it starts sooner, and uses up no address.
      Networks: [{ Target: 'host' }],
      LogDriver: { Name: 'none' },
    },
    Mode: { Replicated: { Replicas: 1 } },
  };
}

export function reservations({ memoryBytes, cpu }: PlaceRequest, { cpuOvercommit, maxCores }: SeatSettings) {
  const cores = Math.min(cpu / cpuOvercommit, maxCores);
  return {
    MemoryBytes: Math.max(MIN_RESERVED_BYTES, memoryBytes),
    NanoCPUs: Math.max(MIN_NANO_CPUS, Math.floor(cores * NANO)),
  };
}

export function constraints({
  region,
  pin,
  avoid = [],
}: {
  readonly region: string | undefined;
  readonly pin?: string | undefined;
  readonly avoid?: readonly string[];
}): string[] {
  return [
    ...(region === undefined ? [] : [`node.labels.region==${region}`]),
    // A pinned machine has no choice.
    ...(pin === undefined ? avoid.map((node) => `node.id!=${node}`) : [`node.id==${pin}`]),
  ];
}

/** A seat as the engine tells it; what is not named here is kept as it is. */
export const seatSchema = z.object({
  ID: z.string(),
  Version: z.object({ Index: z.number() }),
  Spec: z.looseObject({
    Labels: z.record(z.string(), z.string()).nullish(),
    TaskTemplate: z.looseObject({
      Placement: z.looseObject({ Constraints: z.array(z.string()).nullish() }).nullish(),
      Resources: z
        .looseObject({
          Reservations: z
            .looseObject({ MemoryBytes: z.number().optional(), NanoCPUs: z.number().optional() })
            .nullish(),
        })
        .nullish(),
    }),
    Mode: z.looseObject({ Replicated: z.looseObject({ Replicas: z.number().nullish() }).nullish() }),
  }),
});
export type Seat = z.infer<typeof seatSchema>;

export const taskSchema = z.object({
  ServiceID: z.string(),
  NodeID: z.string().optional(),
  DesiredState: z.string(),
  CreatedAt: z.string(),
  Status: z.object({ State: z.string(), Err: z.string().optional() }),
});
export type Task = z.infer<typeof taskSchema>;

export function constraintsOf({ Spec }: Seat): readonly string[] {
  return Spec.TaskTemplate.Placement?.Constraints ?? [];
}

export function pinOf(seat: Seat): string | undefined {
  return constraintsOf(seat).flatMap((each) => PINNED_TO.exec(each)?.[1] ?? [])[0];
}

export function isLasting({ Spec }: Seat): boolean {
  return Spec.Labels?.[LABEL.seatData] !== undefined;
}

export function isTaken({ Spec }: Seat): boolean {
  return (Spec.Mode.Replicated?.Replicas ?? 0) > 0;
}

const OVER = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

/** The place that a seat and its tasks are. Of several tasks that are not over, the newest counts. */
export function toPlace(seat: Seat, tasks: readonly Task[]): Place {
  const pin = pinOf(seat);
  const base = { isLasting: isLasting(seat), ...(pin !== undefined && { pin }) };
  if (!isTaken(seat)) return base;
  const current = tasks
    .filter(({ DesiredState, Status }) => !OVER.has(DesiredState) && !OVER.has(Status.State))
    .toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? 1 : -1))[0];
  if (current?.NodeID) return { ...base, nodeId: current.NodeID };
  return current?.Status.Err ? { ...base, problem: current.Status.Err } : base;
}
