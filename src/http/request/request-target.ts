import type { IncomingMessage } from 'node:http';

/** A target in absolute form; the first group is the authority. */
export const ABSOLUTE_TARGET = /^https?:\/\/([^/?#]*)/i;

/** The only Host header; undefined if there is none or several. Node accepts several and exposes the first. */
export function onlyHostOf(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return undefined;
    host = rawHeaders[at + 1];
  }
  return host;
}

/** The target in origin form: path and query, without scheme and authority. */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = target.replace(ABSOLUTE_TARGET, '');
  return rest.startsWith('/') || rest === '*' ? rest : `/${rest}`;
}

/** Whether the request has a body, possibly of unknown length. */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The reason not to forward a request that Node's parser accepted; undefined if there is none. */
export function findRequestProblem(
  req: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
): { readonly status: number; readonly message: string } | undefined {
  if (onlyHostOf(req.rawHeaders) === undefined) return { status: 400, message: 'Send exactly one Host header.' };
  const coding = req.headers['transfer-encoding'];
  if (coding === undefined || coding.toLowerCase() === 'chunked') return undefined;
  // Node decodes only `chunked`. Another coding would reach the app without the header that names it.
  return { status: 501, message: 'The only transfer coding accepted here is "chunked".' };
}

/** Also the server's `shouldUpgradeCallback`: `Upgrade: h2c` (curl, Java) must be served as a plain request. */
export function isWebSocketUpgrade({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}
