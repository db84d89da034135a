import type { EngineEvent } from '../../driver.ts';
import { LABEL } from '../../labels.ts';
import { isMachineNetwork } from '../isolation/shared-engine-names.ts';

const ACTIONS: Readonly<Record<string, EngineEvent['action']>> = {
  create: 'created',
  start: 'started',
  die: 'exited',
  oom: 'oom',
  pause: 'paused',
  unpause: 'resumed',
  destroy: 'removed',
  rename: 'renamed',
};

/**
 * What is asked of the engine. By action, not by label: a disconnected network's event has no labels of the container.
 * Left out are the many that say nothing about a machine's state (each health check alone makes three).
 */
export const EVENT_FILTERS = {
  type: ['container' as const, 'network' as const],
  event: [...Object.keys(ACTIONS), 'update', 'disconnect'],
};

/** The engine's JSON, as much of it as every engine sends: newer ones leave out `status`, `id` and `from`. */
export interface RawEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly timeNano?: number;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> | null };
}

/**
 * What a container's event says of a machine; undefined when it is another kind of event or not this installation's
 * container.
 */
export function observeEvent({ Type, Action, Actor }: RawEvent, installationId: string): EngineEvent | undefined {
  const attributes = Actor?.Attributes ?? {};
  const id = attributes[LABEL.machine];
  const ref = Actor?.ID;
  if (Type !== 'container' || Action === undefined || id === undefined || ref === undefined) return undefined;
  if (attributes[LABEL.installation] !== installationId) return undefined;
  const action = ACTIONS[Action] ?? 'other';
  const exitCode = action === 'exited' ? Number(attributes['exitCode'] ?? Number.NaN) : Number.NaN;
  return { id, ref, action, ...(Number.isInteger(exitCode) && { exitCode }) };
}

/**
 * Which of this installation's containers ran out of memory, and when by the engine's clock; undefined when the event
 * says something else.
 */
export function observeOom(
  raw: RawEvent,
  installationId: string,
): { readonly ref: string; readonly at: number } | undefined {
  const ref = raw.Actor?.ID;
  if (ref === undefined || raw.timeNano === undefined || observeEvent(raw, installationId)?.action !== 'oom')
    return undefined;
  return { ref, at: raw.timeNano / 1e6 };
}

/**
 * The engine's id of the container that was cut off the machines' network; undefined when the event says something
 * else.
 */
export function observeDisconnect({ Type, Action, Actor }: RawEvent): string | undefined {
  if (Type !== 'network' || Action !== 'disconnect' || !isMachineNetwork(Actor?.Attributes?.['name'])) return undefined;
  return Actor?.Attributes?.['container'];
}
