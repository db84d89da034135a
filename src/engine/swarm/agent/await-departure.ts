import { z } from 'zod';
import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import type { Log } from '../../../log.ts';
import type { EngineApi } from '../../engine-api.ts';
import { LABEL } from '../../labels.ts';
import { AGENT_NAME } from './agent-container.ts';

export interface DepartureOptions {
  readonly engine: Pick<EngineApi, 'ask'>;
  /** How long a node must have been without a keeper, and without VMs and their data. */
  readonly leaveAfterMs: number;
  readonly log: Log;
}

const LONGEST_PAUSE_MS = 60_000;
const listSchema = z.array(z.unknown());
const volumesSchema = z.object({ Volumes: z.array(z.unknown()).nullable() });

/**
 * Removes this agent from a node that the gateway has left: its keeper is gone, as after `docker stack rm`, and nothing
 * of a VM is there. A drained node has no keeper either, and keeps the agent as long as it has VMs or their data.
 */
export async function awaitDeparture({ engine, leaveAfterMs, log }: DepartureOptions, signal: AbortSignal) {
  let neededAt = performance.now();
  while (!signal.aborted) {
    try {
      if (await isNeeded(engine, signal)) neededAt = performance.now();
      if (performance.now() - neededAt >= leaveAfterMs) {
        log.info('the gateway has left this node; removing its agent');
        const query = { force: 'true' };
        // It ends this process.
        await engine.ask(
          { method: 'DELETE', path: `/containers/${AGENT_NAME}`, query, what: 'remove the agent' },
          signal,
        );
      }
    } catch (error) {
      // Not known: it stays.
      neededAt = performance.now();
      log.debug({ err: error }, 'failed to find out whether this node needs its agent');
    }
    await pauseFor(Math.min(LONGEST_PAUSE_MS, leaveAfterMs / 4), signal).catch(() => undefined);
  }
}

async function isNeeded(engine: Pick<EngineApi, 'ask'>, signal: AbortSignal): Promise<boolean> {
  const list = (path: string, filters: object, query: Readonly<Record<string, string>> = {}) =>
    engine.ask(
      { method: 'GET', path, query: { ...query, filters: JSON.stringify(filters) }, what: 'list what is ours' },
      signal,
    );
  const keepers = await list('/containers/json', { label: [LABEL.keeper] });
  if (listSchema.parse(keepers).length > 0) return true;
  const ours = { label: [LABEL.installation] };
  if (listSchema.parse(await list('/containers/json', ours, { all: 'true' })).length > 0) return true;
  return (volumesSchema.parse(await list('/volumes', ours)).Volumes ?? []).length > 0;
}
