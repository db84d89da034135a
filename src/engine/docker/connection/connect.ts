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

/** A client of the engine at `endpoint`; connects with the first call. Throws when the text is not an endpoint. */
export function connect(endpoint: string): DockerConnection {
  const target = parseEndpoint(endpoint);
  const agent = new TerseAgent({ keepAlive: true });
  const where = target.kind === 'unix' ? { socketPath: target.socketPath, host: undefined } : { host: target.host, port: target.port };
  // `host` and `protocol` are always given: the library would otherwise take them from DOCKER_HOST and DOCKER_TLS_VERIFY.
  const options = { ...where, protocol: 'http' as const, timeout: undefined, agent };
  const docker = new Docker(options);
  docker.modem.dial = settleOnClose(docker.modem.dial.bind(docker.modem));
  return { docker, close: () => agent.destroy() };
}

/**
 * The library inspects the options of each request in full for its debug log, also while that is off. Of an agent with its sockets,
 * and all that hangs on them, this takes milliseconds, and more with each open stream.
 */
class TerseAgent extends Agent {
  [inspect.custom](): string {
    return 'Agent';
  }
}
