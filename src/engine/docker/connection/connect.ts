import { Agent } from 'node:http';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { parseEndpoint } from './parse-endpoint.ts';
import { settleOnClose } from './settle-on-close.ts';

export interface DockerConnection {
  readonly docker: Docker;
  /** Destroys every socket, also those of open streams. */
  readonly close: () => void;
}

/** Creates a client for the engine. It connects with its first call. Throws if the endpoint is invalid. */
export function connect(endpoint: string): DockerConnection {
  const target = parseEndpoint(endpoint);
  const agent = new TerseAgent({ keepAlive: true });
  const where =
    target.kind === 'unix'
      ? { socketPath: target.socketPath, host: undefined }
      : { host: target.host, port: target.port };
  // Always set `host` and `protocol`: the library defaults to DOCKER_HOST and DOCKER_TLS_VERIFY.
  const options = { ...where, protocol: 'http' as const, timeout: undefined, agent };
  const docker = new Docker(options);
  docker.modem.dial = settleOnClose(docker.modem.dial.bind(docker.modem));
  return { docker, close: () => agent.destroy() };
}

/**
 * For its debug log, the library inspects the options of each request, even if the log is off. With the agent's sockets
 * this would take milliseconds, and more with each open stream.
 */
class TerseAgent extends Agent {
  [inspect.custom](): string {
    return 'Agent';
  }
}
