import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { readEngineCertificates } from './engine-certificates.ts';
import { parseEndpoint, type DockerEndpoint } from './parse-endpoint.ts';
import { settleOnClose } from './settle-on-close.ts';
import { SshAgent } from './ssh-agent.ts';

export interface DockerConnection {
  readonly docker: Docker;
  /** Destroys every socket, also those of open streams. */
  readonly close: () => void;
}

export interface ConnectOptions {
  /** The folder of the certificates for `tls://`. */
  readonly certificates?: string | undefined;
  /** Opens each connection to the engine. The endpoint is then only its name. */
  readonly dial?: (() => Duplex) | undefined;
}

/**
 * Creates a client for the engine. It connects with its first call. Throws if the endpoint is invalid, or if its
 * certificates cannot be read.
 */
export function connect(endpoint: string, { certificates, dial }: ConnectOptions = {}): DockerConnection {
  const [place, agent] =
    dial === undefined ? reach(parseEndpoint(endpoint), certificates) : [DIALED, new DialAgent(dial)];
  // Always set `host` and `protocol`: the library defaults to DOCKER_HOST and DOCKER_TLS_VERIFY.
  const options = { ...place, timeout: undefined, agent };
  const docker = new Docker(options);
  docker.modem.dial = settleOnClose(docker.modem.dial.bind(docker.modem));
  return { docker, close: () => agent.destroy() };
}

/** Its agent knows where it is: the name only fills the header Host. */
const DIALED = { host: 'docker', port: 80, protocol: 'http' } as const;

function reach(target: DockerEndpoint, certificates: string | undefined) {
  return [placeOf(target), agentOf(target, certificates)] as const;
}

function placeOf(target: DockerEndpoint) {
  if (target.kind === 'unix') return { socketPath: target.socketPath, host: undefined, protocol: 'http' } as const;
  if (target.kind === 'ssh') return DIALED;
  return { host: target.host, port: target.port, protocol: target.kind === 'tls' ? 'https' : 'http' } as const;
}

function agentOf(target: DockerEndpoint, certificates: string | undefined): Agent {
  if (target.kind === 'ssh') return new SshAgent(target);
  if (target.kind !== 'tls') return new TerseAgent({ keepAlive: true });
  return new TerseTlsAgent({ keepAlive: true, ...readEngineCertificates(certificates, target.host) });
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

class DialAgent extends TerseAgent {
  readonly #dial: () => Duplex;

  constructor(dial: () => Duplex) {
    super({ keepAlive: true });
    this.#dial = dial;
  }

  override createConnection(): Duplex {
    return this.#dial();
  }
}

class TerseTlsAgent extends TlsAgent {
  [inspect.custom](): string {
    return 'Agent';
  }
}
