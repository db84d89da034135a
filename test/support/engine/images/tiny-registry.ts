import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { tarArchive } from './tar-archive.ts';

const CHUNK_BYTES = 64 * 1024;
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

export interface TinyRegistry {
  /**
   * A reference to this registry's only image, which no engine has seen before: busybox and some noise, in two layers.
   */
  readonly imageRef: string;
  /** A reference to an image that it does not have. */
  readonly missingRef: string;
  /** How often a manifest was asked for by GET. */
  readonly manifestRequests: () => number;
  /** Layer bytes sent so far. */
  readonly sentBytes: () => number;
  /** Of all layers. */
  readonly layerBytes: number;
  /** Layers being sent to an engine that listens. */
  readonly openTransfers: () => number;
  /** From here on no layer gets further than half way. */
  readonly stall: () => void;
  readonly close: () => Promise<void>;
}

/**
 * A registry on loopback that an engine pulls from; it sends each layer in chunks with `pauseMilliseconds` between
 * them. A free port by default.
 */
export async function openTinyRegistry({
  pauseMilliseconds,
  port: wanted = 0,
  password,
}: {
  pauseMilliseconds: number;
  port?: number;
  /** `user:password` without which it gives nothing. */
  password?: string;
}): Promise<TinyRegistry> {
  const busybox = await readFile('/bin/busybox');
  const contents = [
    [
      { name: 'bin/', mode: 0o755 },
      { name: 'bin/busybox', mode: 0o755, content: busybox },
    ],
    [{ name: 'noise', mode: 0o644, content: randomBytes(2 * 1024 * 1024) }],
  ];
  const layers = await Promise.all(
    contents.map(async (entries) => {
      const tar = await tarArchive([...entries, { name: 'id', mode: 0o644, content: randomBytes(16) }]);
      return { diffId: digestOf(tar), blob: gzipSync(tar, { level: 1 }) };
    }),
  );
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const config = Buffer.from(JSON.stringify({ architecture, os: 'linux', config: { Env: ['PATH=/bin'] }, rootfs }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: describeBlob('application/vnd.docker.container.image.v1+json', config),
      layers: layers.map(({ blob }) => describeBlob('application/vnd.docker.image.rootfs.diff.tar.gzip', blob)),
    }),
  );
  const blobs = new Map([config, ...layers.map(({ blob }) => blob)].map((blob) => [digestOf(blob), blob]));

  let manifestRequests = 0;
  let sentBytes = 0;
  let isStalled = false;
  let openTransfers = 0;
  const sendSlowly = async (response: ServerResponse, blob: Buffer) => {
    for (let start = 0; start < blob.length && !response.destroyed; start += CHUNK_BYTES) {
      if (isStalled && start >= blob.length / 2) return;
      const chunk = blob.subarray(start, start + CHUNK_BYTES);
      response.write(chunk);
      sentBytes += chunk.length;
      await sleep(pauseMilliseconds);
    }
    response.end();
  };

  const server = createServer((request, response) => {
    const [, kind, name] = /^\/v2\/tiny\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    const isHead = request.method === 'HEAD';
    const blob = kind === 'manifests' ? manifest : blobs.get(name ?? '');
    const wantedHeader = password && `Basic ${Buffer.from(password).toString('base64')}`;
    if (wantedHeader !== undefined && request.headers.authorization !== wantedHeader) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="tiny"', 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
    } else if (request.url === '/v2/') {
      response.end('{}');
    } else if (blob === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    } else {
      const type = blob === manifest ? MANIFEST : 'application/octet-stream';
      response.writeHead(200, {
        'content-type': type,
        'content-length': blob.length,
        'docker-content-digest': digestOf(blob),
      });
      if (isHead) response.end();
      else if (blob === manifest) {
        manifestRequests += 1;
        response.end(manifest);
      } else {
        openTransfers += 1;
        response.on('close', () => {
          openTransfers -= 1;
        });
        void sendSlowly(response, blob);
      }
    }
  });
  await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    imageRef: `127.0.0.1:${port}/tiny:1`,
    missingRef: `127.0.0.1:${port}/absent:1`,
    manifestRequests: () => manifestRequests,
    sentBytes: () => sentBytes,
    layerBytes: layers.reduce((sum, { blob }) => sum + blob.length, 0),
    openTransfers: () => openTransfers,
    stall: () => {
      isStalled = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function describeBlob(mediaType: string, blob: Buffer) {
  return { mediaType, size: blob.length, digest: digestOf(blob) };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
