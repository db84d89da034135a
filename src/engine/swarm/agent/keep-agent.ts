import { z } from 'zod';
import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import type { Log } from '../../../log.ts';
import { refusalStatus, type EngineApi } from '../../engine-api.ts';
import { LABEL } from '../../labels.ts';
import { AGENT_NAME, agentContainer, nextAgentStep, type AgentSettings, type FoundAgent } from './agent-container.ts';

export interface KeepAgentOptions extends Omit<AgentSettings, 'imageId'> {
  readonly engine: Pick<EngineApi, 'ask'>;
  /** The reference of the gateway's image. */
  readonly image: string;
  readonly log: Log;
}

const CHECK_EVERY_MS = 5_000;
const containerSchema = z.object({
  State: z.object({ Running: z.boolean() }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
});
const imageSchema = z.object({ Id: z.string() });

/** Keeps the agent of this node running, as the given image's, until the signal aborts. Then it leaves the agent. */
export async function keepAgent({ engine, image, log, ...settings }: KeepAgentOptions, signal: AbortSignal) {
  let failure = '';
  while (!signal.aborted) {
    try {
      const { Id: imageId } = imageSchema.parse(
        await engine.ask({ method: 'GET', path: `/images/${image}/json`, what: "inspect the gateway's image" }, signal),
      );
      const step = await ensureAgent(engine, { ...settings, imageId }, signal);
      if (step !== 'none') log.info({ step, image: imageId }, "this node's agent runs");
      failure = '';
    } catch (error) {
      if (signal.aborted) return;
      // The engine is asked again: a failure that lasts is said once.
      const said = error instanceof Error ? error.message : String(error);
      if (said !== failure) log.error({ err: error }, "failed to start this node's agent; trying again");
      failure = said;
    }
    await pauseFor(CHECK_EVERY_MS, signal).catch(() => undefined);
  }
}

async function ensureAgent(engine: Pick<EngineApi, 'ask'>, settings: AgentSettings, signal: AbortSignal) {
  const { hash, body } = agentContainer(settings);
  const step = nextAgentStep(await findAgent(engine, signal), hash);
  const path = `/containers/${AGENT_NAME}`;
  if (step === 'replace')
    await engine.ask({ method: 'DELETE', path, query: { force: 'true' }, what: 'remove the old agent' }, signal);
  if (step === 'replace' || step === 'create') {
    const query = { name: AGENT_NAME };
    await engine.ask({ method: 'POST', path: '/containers/create', query, body, what: 'create the agent' }, signal);
  }
  if (step !== 'none') await engine.ask({ method: 'POST', path: `${path}/start`, what: 'start the agent' }, signal);
  return step;
}

async function findAgent(engine: Pick<EngineApi, 'ask'>, signal: AbortSignal): Promise<FoundAgent | undefined> {
  try {
    const request = { method: 'GET', path: `/containers/${AGENT_NAME}/json`, what: 'inspect the agent' } as const;
    const { State, Config } = containerSchema.parse(await engine.ask(request, signal));
    return { isRunning: State.Running, hash: Config.Labels?.[LABEL.agent] };
  } catch (error) {
    if (refusalStatus(error) === 404) return undefined;
    throw error;
  }
}
