import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How the proxy treats what passes; changed while it works, each request keeps to what holds now. */
export interface ThrottleRules {
  /** Of all bodies together. */
  bytesPerSecond: number;
  /** Each blob's connection is cut after so many bytes of its body. */
  cutBlobsAfter: number;
  /** No blob gets further than so many bytes, though its connection stays. */
  stallBlobsAfter: number;
  /** The HTTP status that answers instead of the blob. */
  blobStatus: number | undefined;
  manifestStatus: number | undefined;
}

export interface ThrottleProxy extends AsyncDisposable {
  readonly port: number;
  readonly rules: ThrottleRules;
  /** Back to passing everything on at full speed. */
  heal(): void;
  /** The digests of the blobs of that repository that were asked for by GET so far, each as often as it was. */
  blobsAsked(repository: string): readonly string[];
  /** How often a manifest of that repository was asked for by GET. */
  manifestsAsked(repository: string): number;
  /** Bodies that are being sent to a reader. */
  openTransfers(): number;
}

const HEALTHY: ThrottleRules = {
  bytesPerSecond: Number.POSITIVE_INFINITY,
  cutBlobsAfter: Number.POSITIVE_INFINITY,
  stallBlobsAfter: Number.POSITIVE_INFINITY,
  blobStatus: undefined,
  manifestStatus: undefined,
};
const SLICE_BYTES = 16 * 1024;
/** A registry's own words for a status. */
const ERROR_CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'MANIFEST_UNKNOWN',
  429: 'TOOMANYREQUESTS',
};

/** A proxy on loopback before a registry on loopback, which can be slow, cut, stall and refuse. */
export async function openThrottleProxy(registryPort: number): Promise<ThrottleProxy> {
  const rules = { ...HEALTHY };
  const asked: { kind: string; repository: string; name: string }[] = [];
  let openTransfers = 0;
  let freeAt = 0;

  /** Waits for the slice's turn on the one line that all bodies share. */
  const takeTurn = async (bytes: number) => {
    const now = performance.now();
    freeAt = Math.max(now, freeAt) + (1000 * bytes) / rules.bytesPerSecond;
    if (freeAt - now > 1) await sleep(freeAt - now);
  };

  const send = async (body: IncomingMessage, response: ServerResponse, isBlob: boolean) => {
    let sent = 0;
    const closed = once(response, 'close');
    for await (const chunk of body as AsyncIterable<Buffer>) {
      for (let start = 0; start < chunk.length; start += SLICE_BYTES) {
        const slice = chunk.subarray(start, start + SLICE_BYTES);
        await takeTurn(slice.length);
        if (response.destroyed) return;
        if (isBlob && sent + slice.length > rules.stallBlobsAfter) await closed;
        if (isBlob && sent + slice.length > rules.cutBlobsAfter) response.destroy();
        if (response.destroyed) return;
        sent += slice.length;
        if (!response.write(slice)) await Promise.race([once(response, 'drain'), closed]);
      }
    }
    response.end();
  };

  const server = createServer((incoming, response) => {
    const [, repository = '', kind = '', name = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/?]+)$/.exec(incoming.url ?? '') ?? [];
    const isGet = incoming.method === 'GET';
    if (isGet && kind !== '') asked.push({ kind, repository, name });
    const status =
      isGet && kind === 'blobs' ? rules.blobStatus : kind === 'manifests' ? rules.manifestStatus : undefined;
    if (status !== undefined) {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ errors: [{ code: ERROR_CODES[status] ?? 'UNKNOWN', message: 'as the test wants it' }] }),
      );
      return;
    }
    const { method, url, headers } = incoming;
    const outgoing = request({ host: '127.0.0.1', port: registryPort, method, path: url, headers, agent: false });
    const fail = () => response.destroy();
    outgoing.on('error', fail);
    outgoing.on('response', (body) => {
      response.writeHead(body.statusCode ?? 502, body.headers);
      openTransfers += 1;
      response.once('close', () => {
        openTransfers -= 1;
        outgoing.destroy();
      });
      send(body, response, isGet && kind === 'blobs').catch(fail);
    });
    incoming.pipe(outgoing);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  const ofKind = (kind: string, repository: string) =>
    asked.filter((each) => each.kind === kind && each.repository === repository);
  return {
    port: (server.address() as AddressInfo).port,
    rules,
    heal: () => void Object.assign(rules, HEALTHY),
    blobsAsked: (repository) => ofKind('blobs', repository).map(({ name }) => name),
    manifestsAsked: (repository) => ofKind('manifests', repository).length,
    openTransfers: () => openTransfers,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
