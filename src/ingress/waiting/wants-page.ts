import type { IncomingMessage } from 'node:http';

/** Whether a person looks at the answer: a browser that goes to an address, not one of the many things that its pages load. */
export function wantsPage({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const mode = headers['sec-fetch-mode'];
  return (mode === undefined || mode === 'navigate') && (headers.accept ?? '').includes('text/html');
}
