import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { dialTcp } from '../../../lib/dial-tcp.ts';
import type { Log } from '../../../log.ts';
import { AGENT_PORT } from '../line/dial-node.ts';
import { parseLineRequest, MAX_REQUEST_BYTES, type LineRequest } from '../line/line-request.ts';
import { CurrentIdentity } from '../line/node-identity.ts';

export interface AgentOptions {
  /** The folder of the node's certificates. */
  readonly certificates: string;
  /** The socket of the node's engine. */
  readonly engineSocket: string;
  /** Whether an address is one of a machine on this node. */
  readonly isMachine: (host: string) => Promise<boolean>;
  readonly log: Log;
}

/** For a manager to prove itself and to say what it wants. */
const GREETING_MS = 5_000;
const CONNECT_MS = 3_000;
const RENEW_EVERY_MS = 60_000;

/**
 * Serves the managers of this node's swarm, and nobody else: pipes bytes between them and the node's engine, or a
 * machine on it. A manager gains nothing by it: it may start any container on any node anyway. Returns what ends it.
 */
export async function serveAgent(options: AgentOptions): Promise<() => void> {
  const current = new CurrentIdentity(options.certificates);
  const contextOf = () => {
    const { key, cert, ca } = current.get();
    return { key, cert, ca };
  };
  const server = createServer(
    {
      ...contextOf(),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      handshakeTimeout: GREETING_MS,
      noDelay: true,
      allowHalfOpen: true,
    },
    (socket) => serve(socket, current, options),
  );
  // A peer that does not prove itself is no event: anybody can connect.
  server.on('tlsClientError', (error) => options.log.debug({ err: error }, 'a connection was refused'));
  const renewing = setInterval(() => server.setSecureContext(contextOf()), RENEW_EVERY_MS).unref();
  await listen(server);
  options.log.info({ port: AGENT_PORT, node: current.get().nodeId }, 'the agent of this node serves its managers');
  return () => {
    clearInterval(renewing);
    server.close();
  };
}

async function listen(server: Server): Promise<void> {
  server.listen(AGENT_PORT);
  await once(server, 'listening');
}

function serve(socket: TLSSocket, current: CurrentIdentity, options: AgentOptions): void {
  socket.on('error', () => socket.destroy());
  const { subject } = socket.getPeerCertificate();
  if (subject?.OU !== 'swarm-manager' || subject.O !== current.get().clusterId) {
    options.log.warn({ peer: subject?.CN }, 'a node that is no manager of this swarm was refused');
    socket.destroy();
    return;
  }
  const late = setTimeout(() => socket.destroy(), GREETING_MS);
  socket.once('close', () => clearTimeout(late));
  let read = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf('\n');
    if (end < 0) return void (read.length > MAX_REQUEST_BYTES && socket.destroy());
    socket.off('data', onData);
    socket.pause();
    clearTimeout(late);
    const request = parseLineRequest(read.toString('latin1', 0, end));
    void join(socket, request, read.subarray(end + 1), options).catch(() => socket.destroy());
  };
  socket.on('data', onData);
}

/** Connects and pipes both ways. The end of either direction is passed on; the end of either socket ends the other. */
async function join(
  socket: TLSSocket,
  request: LineRequest | undefined,
  rest: Buffer,
  { engineSocket, isMachine }: AgentOptions,
): Promise<void> {
  const target = request && (await open(request, engineSocket, isMachine));
  if (target === undefined) return void socket.destroy();
  const late = setTimeout(() => target.destroy(), CONNECT_MS);
  target
    .once('connect', () => clearTimeout(late))
    .on('error', () => socket.destroy())
    .on('close', () => {
      clearTimeout(late);
      socket.destroy();
    });
  socket.on('close', () => target.destroy());
  if (socket.destroyed) return void target.destroy();
  if (rest.length > 0) target.write(rest);
  socket.pipe(target);
  target.pipe(socket);
}

async function open(
  request: LineRequest,
  engineSocket: string,
  isMachine: AgentOptions['isMachine'],
): Promise<Socket | undefined> {
  if (request.kind === 'engine') return connect({ path: engineSocket, allowHalfOpen: true });
  return (await isMachine(request.host)) ? dialTcp({ ...request, allowHalfOpen: true }) : undefined;
}
