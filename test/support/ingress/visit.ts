import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Visit {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A request to a VM's address as a browser would send it: `host` is not one that resolves here. */
export async function visit(
  port: number,
  host: string,
  path = '/',
  headers: Record<string, string> = {},
  method = 'GET',
  sent?: string,
): Promise<Visit> {
  const kept = { host, connection: 'keep-alive', ...headers };
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers: kept, agent: false, timeout: 10_000 });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`No answer from ${host}${path} within 10 s.`)));
  outgoing.end(sent);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const body = await text(response);
  outgoing.destroy();
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}
