import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';

const LIMIT_MILLISECONDS = 3_000;
const SOCKET = /^unix:\/\/(?<path>\/.*)$/;

/**
 * Undefined when an engine answers at the endpoint; else why not, in short: an error code such as EACCES where there is
 * one.
 */
export async function pingEngine(endpoint: string): Promise<string | undefined> {
  const socketPath = SOCKET.exec(endpoint)?.groups?.['path'];
  try {
    return await (socketPath === undefined ? pingRemote(endpoint) : pingSocket(socketPath));
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  }
}

/** Without dockerode, which takes longer to load than all else that a start has to look at. */
async function pingSocket(socketPath: string): Promise<string | undefined> {
  const request = get({ socketPath, path: '/_ping', signal: AbortSignal.timeout(LIMIT_MILLISECONDS) });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`;
}

async function pingRemote(endpoint: string): Promise<undefined> {
  const [{ withDeadline }, { connect }] = await Promise.all([
    import('../../src/lib/concurrency/with-deadline.ts'),
    import('../../src/engine/docker/connection/connect.ts'),
  ]);
  const { docker, close } = connect(endpoint);
  try {
    await withDeadline(LIMIT_MILLISECONDS, new AbortController().signal, () => docker.ping());
  } finally {
    close();
  }
}
