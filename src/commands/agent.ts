import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { parseDuration } from '../config/parse-duration.ts';
import { createEngineApi } from '../engine/docker/connection/engine-api.ts';
import { awaitDeparture } from '../engine/swarm/agent/await-departure.ts';
import { createIsMachine } from '../engine/swarm/agent/machine-addresses.ts';
import { serveAgent } from '../engine/swarm/agent/serve-agent.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from './end-on-signal.ts';

/** The networks of machines; see `SHARED_ENGINE_NAMES` of the Docker driver. */
const NETWORKS = ['swiftor-vms', 'swiftor-offline'];

/** `swiftor agent`: what runs on each node of a swarm. */
export async function agent(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      certificates: { type: 'string', default: '/run/swarm-certificates' },
      engine: { type: 'string', default: '/var/run/docker.sock' },
      'leave-after': { type: 'string' },
    },
  });
  const leaveAfter = values['leave-after'];
  const leaveAfterMs = leaveAfter === undefined ? undefined : parseDuration(leaveAfter) * 1_000;
  const log = await createLog({ level: 'info' });
  const ending = endOnSignal(log);
  const engine = createEngineApi(`unix://${values.engine}`);
  const close = await serveAgent({
    certificates: values.certificates,
    engineSocket: values.engine,
    isMachine: createIsMachine(engine, NETWORKS),
    log,
  });
  if (leaveAfterMs !== undefined) void awaitDeparture({ engine, leaveAfterMs, log }, ending);
  if (!ending.aborted) await once(ending, 'abort');
  close();
  engine.close();
  // Connections that managers keep would keep the process.
  process.exit(0);
}
