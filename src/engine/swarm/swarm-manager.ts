import { z } from 'zod';
import type { EngineApi, EngineRequest } from '../engine-api.ts';
import { refusalStatus } from '../engine-api.ts';
import { EngineError } from '../engine-error.ts';
import { seatFilters, seatName, seatSchema, taskSchema, type Seat, type Task } from './seat-service.ts';
import { nodeSchema, type SwarmNode } from './swarm-nodes.ts';

const infoSchema = z.object({
  Swarm: z.object({ LocalNodeState: z.string(), ControlAvailable: z.boolean().nullish() }),
});
const CALL_MS = 5_000;
const MAX_CONFLICTS = 8;

/** The calls to the manager of a swarm that placing needs. */
export class SwarmManager {
  readonly #api: EngineApi;
  readonly #endpoint: string;

  constructor(api: EngineApi, endpoint: string) {
    this.#api = api;
    this.#endpoint = endpoint;
  }

  /** Rejects with ENGINE_UNREACHABLE if it is no manager. */
  async verify(signal: AbortSignal): Promise<void> {
    const { Swarm } = infoSchema.parse(
      await this.#ask({ method: 'GET', path: '/info', what: 'describe itself' }, signal),
    );
    if (Swarm.ControlAvailable === true) return;
    const state = Swarm.LocalNodeState === 'active' ? 'a worker of its swarm' : 'in no swarm';
    const wayOut = 'run docker swarm init there, or name the engine of a manager in REGIONS';
    throw new EngineError('ENGINE_UNREACHABLE', `The engine at ${this.#endpoint} is ${state}: ${wayOut}.`);
  }

  async ping(signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'GET', path: '/_ping', what: 'answer' }, signal);
  }

  async listNodes(signal: AbortSignal): Promise<SwarmNode[]> {
    const answer = await this.#ask({ method: 'GET', path: '/nodes', what: 'list the nodes' }, signal);
    return z.array(nodeSchema).parse(answer);
  }

  async findSeat(id: string, signal: AbortSignal): Promise<Seat | undefined> {
    const request = { method: 'GET', path: `/services/${seatName(id)}`, what: 'inspect a seat' } as const;
    const answer = await this.#ask(request, signal).catch(ignoreMissing);
    return answer === undefined ? undefined : seatSchema.parse(answer);
  }

  listSeats(installationId: string, signal: AbortSignal): Promise<Seat[]> {
    const query = { filters: seatFilters(installationId) };
    const answer = this.#ask({ method: 'GET', path: '/services', query, what: 'list the seats' }, signal);
    return answer.then((seats) => z.array(seatSchema).parse(seats));
  }

  /** `service`: of one seat; otherwise of all services. */
  async listTasks(signal: AbortSignal, service?: string): Promise<Task[]> {
    const filters = service === undefined ? { 'desired-state': ['running'] } : { service: [service] };
    const query = { filters: JSON.stringify(filters) };
    const request = { method: 'GET', path: '/tasks', query, what: 'list the tasks' } as const;
    // A service that was removed meanwhile has none.
    return z.array(taskSchema).parse((await this.#ask(request, signal).catch(ignoreMissing)) ?? []);
  }

  /** False if there is a service of that name. */
  async createSeat(service: object, signal: AbortSignal): Promise<boolean> {
    const request = { method: 'POST', path: '/services/create', body: service, what: 'make a seat' } as const;
    try {
      await this.#ask(request, signal);
      return true;
    } catch (error) {
      if (refusalStatus(error) === 409) return false;
      throw error;
    }
  }

  /** Changes a seat: `change` returns its new spec, or undefined to leave it. Does nothing if there is none. */
  async changeSeat(id: string, change: (seat: Seat) => object | undefined, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const seat = await this.findSeat(id, signal);
      const spec = seat && change(seat);
      if (spec === undefined || seat === undefined) return;
      const query = { version: String(seat.Version.Index) };
      const path = `/services/${seat.ID}/update`;
      try {
        await this.#ask({ method: 'POST', path, query, body: spec, what: 'change a seat' }, signal);
        return;
      } catch (error) {
        // The swarm itself, or another gateway, wrote meanwhile.
        const isConflict = error instanceof EngineError && /out of sequence/.test(error.message);
        if (!isConflict || attempt === MAX_CONFLICTS) throw error;
      }
    }
  }

  async removeSeat(id: string, signal: AbortSignal): Promise<void> {
    const request = { method: 'DELETE', path: `/services/${seatName(id)}`, what: 'remove a seat' } as const;
    await this.#ask(request, signal).catch(ignoreMissing);
  }

  /** Yields when a node has changed. */
  async *followNodes(signal: AbortSignal): AsyncGenerator<void> {
    const query = { filters: JSON.stringify({ type: ['node'] }) };
    const stream = await this.#api.open({ method: 'GET', path: '/events', query, what: 'send its events' }, signal);
    for await (const _chunk of stream) yield;
  }

  close(): void {
    this.#api.close();
  }

  async #ask(request: EngineRequest, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#api.ask({ milliseconds: CALL_MS, ...request }, signal);
    } catch (error) {
      throw toSwarmError(error);
    }
  }
}

/** An answer of the swarm that says nothing about the machine. */
export function toSwarmError(error: unknown): unknown {
  if (!(error instanceof EngineError) || !/does not have a leader|too few managers/i.test(error.message)) return error;
  const message =
    'The swarm has no leader, so nothing new can be placed; what runs goes on. More than half of its managers must be ' +
    'online.';
  return new EngineError('ENGINE_UNREACHABLE', message, { cause: error });
}

function ignoreMissing(error: unknown): undefined {
  if (refusalStatus(error) === 404) return undefined;
  throw error;
}
