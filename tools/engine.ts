import type Docker from 'dockerode';
import { PrepareFailure } from '../scripts/prepare/report.js';
import { connect } from '../src/engine/docker/connection/connect.ts';
import { createEngineCall, type EngineCall } from '../src/engine/docker/connection/engine-call.ts';
import { engineEndpoint } from './engine-endpoint.ts';

const CALL_MILLISECONDS = 10_000;

export interface ToolEngine {
  readonly docker: Docker;
  readonly call: EngineCall;
  /** Ends what is still under way, which would otherwise keep this process. */
  readonly [Symbol.dispose]: () => void;
}

/** The engine that images are built on. Throws a PrepareFailure when DOCKER_HOST is not an endpoint. */
export function openEngine(): ToolEngine {
  const endpoint = engineEndpoint();
  try {
    const { docker, close } = connect(endpoint);
    return { docker, call: createEngineCall(endpoint, CALL_MILLISECONDS), [Symbol.dispose]: close };
  } catch (error) {
    throw new PrepareFailure(`DOCKER_HOST: ${error instanceof Error ? error.message : String(error)}`);
  }
}
