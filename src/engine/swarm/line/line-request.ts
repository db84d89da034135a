import { isIPv4 } from 'node:net';

/** What a manager asks a node's agent to connect it with: the node's engine, or a port of one of its machines. */
export type LineRequest =
  | { readonly kind: 'engine' }
  | { readonly kind: 'machine'; readonly host: string; readonly port: number };

/** Longer than any valid request. */
export const MAX_REQUEST_BYTES = 64;

/** The one line with which a connection begins; after it come the bytes of the engine's or the app's own protocol. */
export function formatLineRequest(request: LineRequest): string {
  return request.kind === 'engine' ? 'ENGINE\n' : `MACHINE ${request.host} ${request.port}\n`;
}

/** Parses the line, without its end; undefined if it is not one. */
export function parseLineRequest(line: string): LineRequest | undefined {
  if (line === 'ENGINE') return { kind: 'engine' };
  const [, host = '', digits] = /^MACHINE (\d[\d.]*) (\d{1,5})$/.exec(line) ?? [];
  const port = Number(digits);
  return isIPv4(host) && port >= 1 && port <= 65_535 ? { kind: 'machine', host, port } : undefined;
}
