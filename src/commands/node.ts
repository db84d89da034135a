import { parseArgs } from 'node:util';
import { parseDuration } from '../config/parse-duration.ts';
import { createEngineApi } from '../engine/docker/connection/engine-api.ts';
import { keepAgent } from '../engine/swarm/agent/keep-agent.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from './end-on-signal.ts';

/** `swiftor node`: what a swarm runs on each node, as a global service. */
export async function node(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      image: { type: 'string' },
      certificates: { type: 'string', default: '/var/lib/docker/swarm/certificates' },
      'leave-after': { type: 'string', default: '1h' },
    },
  });
  const { image, certificates, 'leave-after': leaveAfter } = values;
  if (image === undefined || image === '') throw new Error("--image must name the gateway's image.");
  parseDuration(leaveAfter);
  const log = await createLog();
  const engine = createEngineApi('unix:///var/run/docker.sock');
  await keepAgent({ engine, image, certificates, leaveAfter, log }, endOnSignal(log));
  engine.close();
}
