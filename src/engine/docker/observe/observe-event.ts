import type { EngineEvent } from '../../engine-reports.ts';
import { LABEL } from '../../labels.ts';
import { isMachineNetwork } from '../containers/shared-engine-names.ts';

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
 * The filter of the event stream. By action, not by label, because a network's disconnect event lacks the container's
 * labels. Excludes the many events that do not concern a machine's state: each health check causes three.
 */
export const EVENT_FILTERS = {
  type: ['container' as const, 'network' as const],
  event: [...Object.keys(ACTIONS), 'update', 'disconnect'],
};

/** The fields of the engine's JSON that all versions send: newer ones omit `status`, `id` and `from`. */
export interface RawEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly timeNano?: number;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> | null };
}

/** Translates a container's event; undefined for other events and for containers of other installations. */
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
 * The container of this installation that ran out of memory, and when by the engine's clock; undefined for other
 * events.
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

/** The engine's id of the container that was disconnected from a network of machines; undefined for other events. */
export function observeDisconnect({ Type, Action, Actor }: RawEvent): string | undefined {
  if (Type !== 'network' || Action !== 'disconnect' || !isMachineNetwork(Actor?.Attributes?.['name'])) return undefined;
  return Actor?.Attributes?.['container'];
}
