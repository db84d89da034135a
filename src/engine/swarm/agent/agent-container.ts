import { createHash } from 'node:crypto';
import { LABEL } from '../../labels.ts';

/** The name of the agent's container on every node. */
export const AGENT_NAME = 'swiftor-agent';

export interface AgentSettings {
  /** The id of the gateway's image. */
  readonly imageId: string;
  /** The folder of Swarm's certificates on the node. */
  readonly certificates: string;
  /** How long the agent stays after its keeper has gone: '1h'. */
  readonly leaveAfter: string;
}

/** The agent's container as the engine shows it. */
export interface FoundAgent {
  readonly isRunning: boolean;
  readonly hash: string | undefined;
}

export type AgentStep = 'none' | 'create' | 'start' | 'replace';

/** What brings the node to an agent as `agentContainer` describes it. */
export function nextAgentStep(found: FoundAgent | undefined, wantedHash: string): AgentStep {
  if (found === undefined) return 'create';
  if (found.hash !== wantedHash) return 'replace';
  return found.isRunning ? 'none' : 'start';
}

/**
 * The agent's container. It is none of the swarm's services, because a drained node would lose it, and with it the way
 * to the VMs that are still there.
 */
export function agentContainer({ imageId, certificates, leaveAfter }: AgentSettings) {
  const container = {
    Image: imageId,
    Cmd: ['agent', '--leave-after', leaveAfter],
    // The certificates and the engine's socket are root's.
    User: 'root',
    // That of the image asks for a gateway.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Binds: ['/var/run/docker.sock:/var/run/docker.sock', `${certificates}:/run/swarm-certificates:ro`],
      NetworkMode: 'host',
      RestartPolicy: { Name: 'unless-stopped' },
      Init: true,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
    },
  };
  const hash = createHash('sha256').update(JSON.stringify(container)).digest('hex');
  return { hash, body: { ...container, Labels: { [LABEL.agent]: hash } } };
}
