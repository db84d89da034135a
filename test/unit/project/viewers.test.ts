import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { fetchText, gateway, HOST, listen, upstream } from '../../support/ingress/ingress.ts';
import { testTicket } from '../../support/ingress/ticket.ts';

/** An app, opened by a viewer; what it got. `isHonest`: it says that it leaves out a viewer's input. */
async function openAsViewer(isHonest: boolean, role: 'VIEW' | 'CONTROL' = 'VIEW') {
  const seen: IncomingHttpHeaders[] = [];
  const answer: RequestListener = ({ headers }, res) => {
    seen.push(headers);
    if (isHonest) res.setHeader('X-Swiftor-Access', 'view');
    res.end('the app');
  };
  const app = createServer(answer);
  const sockets = new WebSocketServer({ server: app });
  sockets.on('headers', (headers) => void (isHonest && headers.push('X-Swiftor-Access: view')));
  sockets.on('connection', (ws) => ws.on('error', () => undefined));
  const port = await listen(app);
  const ticket = testTicket(undefined, { role });
  const { port: entry } = await gateway(() => {
    const resolution = upstream(port);
    return resolution.kind === 'upstream' ? { ...resolution, ticket, holder: ticket } : resolution;
  });
  const connect = async (): Promise<string> => {
    const ws = new WebSocket(`ws://127.0.0.1:${entry}/`, { headers: { Host: HOST } });
    onTestFinished(() => ws.terminate());
    const opened = once(ws, 'open').then(() => 'open');
    return opened.catch((error: unknown) => String(error));
  };
  return { seen, entry, connect };
}

describe('a viewer', () => {
  it('reaches an app that leaves out the input of viewers, by GET, HEAD and WebSockets only', async () => {
    const { seen, entry, connect } = await openAsViewer(true);
    expect(await fetchText(entry)).toMatchObject({ status: 200, text: 'the app' });
    expect(seen.map((headers) => headers['x-swiftor-access'])).toEqual(['view']);
    expect(await connect()).toBe('open');
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await fetchText(entry, { method, headers: { Host: HOST } })).status).toBe(403);
    expect(seen).toHaveLength(1);
  });

  it('is shown nothing of an app that does not say that it does', async () => {
    const { entry, connect } = await openAsViewer(false);
    expect(await fetchText(entry)).toMatchObject({ status: 403, text: 'This app does not tell viewers apart.' });
    expect(await connect()).toContain('403');
  });
});

it('no client can say to be a viewer, or not to be one', async () => {
  const { seen, entry } = await openAsViewer(true, 'CONTROL');
  const headers = { Host: HOST, 'X-Swiftor-Access': 'view', X_Swiftor_Access: 'view', 'x-swiftor-other': 'x' };
  await fetchText(entry, { headers });
  expect(Object.keys(seen[0] ?? {}).filter((name) => name.includes('swiftor'))).toEqual([]);
});
