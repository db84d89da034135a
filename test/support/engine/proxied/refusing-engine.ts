import { createServer, request, type IncomingMessage } from 'node:http';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface RefusingEngine extends AsyncDisposable {
  /** For REGIONS: unix:///… */
  readonly endpoint: string;
}

/** What the engine is said to answer instead of being asked; undefined lets the request pass. */
export type Refuse = (
  method: string,
  path: string,
  body: string,
) => { readonly status: number; readonly message: string } | undefined;

/** The real engine, behind something that answers some requests itself, as an operator's authorization plug-in does. */
export async function openRefusingEngine(refuse: Refuse, target = '/var/run/docker.sock'): Promise<RefusingEngine> {
  const file = path.join(tmpdir(), `swiftor-refusing-${randomUUID().slice(0, 8)}.sock`);
  const server = createServer(async (incoming, response) => {
    const body = await readAll(incoming);
    const refusal = refuse(incoming.method ?? '', incoming.url ?? '', body.toString('latin1'));
    if (refusal !== undefined) {
      response
        .writeHead(refusal.status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ message: refusal.message }));
      return;
    }
    const { method, url, headers } = incoming;
    const passed = request({ socketPath: target, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    passed.end(body);
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  return {
    endpoint: `unix://${file}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await rm(file, { force: true });
    },
  };
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
