import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { docker } from '../engines.ts';
import { openThrottleProxy, type ThrottleProxy } from '../../ingress/throttle-proxy.ts';
import { tarArchive } from './tar-archive.ts';
import { testImage } from './tiny-image.ts';

export interface TestRegistry extends AsyncDisposable {
  /** What engines pull through. */
  readonly proxy: ThrottleProxy;
  /**
   * Puts an image there that the engine does not have any more: the tiny one, which it has, and a layer of noise for
   * each size. The reference through the proxy.
   */
  push(repository: string, layerBytes?: readonly number[]): Promise<string>;
  /** A reference through the proxy to what was never pushed. */
  missingRef(repository: string): string;
  /** Makes the engine forget the image, when nothing uses it. */
  forget(imageRef: string): Promise<void>;
}

/**
 * Debian's docker-registry on a free loopback port, with storage of its own, behind a proxy. Its disposal leaves
 * nothing of it.
 */
export async function openTestRegistry(): Promise<TestRegistry> {
  await using undo = new AsyncDisposableStack();
  const storage = await mkdtemp(path.join(tmpdir(), 'swiftor-registry-'));
  undo.defer(() => rm(storage, { recursive: true, force: true }));
  const port = await startRegistry(storage, undo);
  const proxy = undo.use(await openThrottleProxy(port));
  const pushed = new Set<string>();
  undo.defer(async () => {
    for (const imageRef of pushed) await forgetImage(imageRef);
  });

  const parts = undo.move();
  return {
    proxy,
    async push(repository, layerBytes = [256 * 1024]) {
      const source = `127.0.0.1:${port}/${repository}:1`;
      const imageRef = `127.0.0.1:${proxy.port}/${repository}:1`;
      pushed.add(imageRef);
      try {
        await buildImage(source, layerBytes);
        await pushImage(source);
      } finally {
        await forgetImage(source);
      }
      return imageRef;
    },
    missingRef: (repository) => `127.0.0.1:${proxy.port}/${repository}:1`,
    forget: forgetImage,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** The port that the registry listens on, a free one of its own choice; it ends with `undo`. */
async function startRegistry(storage: string, undo: AsyncDisposableStack): Promise<number> {
  const config = path.join(storage, 'config.yml');
  // JSON is YAML.
  const settings = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: path.join(storage, 'data') } },
    http: { addr: '127.0.0.1:0' },
  };
  await writeFile(config, JSON.stringify(settings));
  const child = spawn(findRegistry(), ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  undo.defer(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let said = '';
  // Read to the end, or it would block on a full pipe.
  createInterface(child.stderr).on('line', (line) => {
    said += `${line}\n`;
    const [, listening] = /listening on 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (listening !== undefined) resolve(Number(listening));
  });
  const timer = setTimeout(() => reject(new Error(`docker-registry did not listen within 10 s:\n${said}`)), 10_000);
  exited.then(
    ([code]) => reject(new Error(`docker-registry ended with ${String(code)}:\n${said}`)),
    (error: unknown) => reject(error),
  );
  return promise.finally(() => clearTimeout(timer));
}

function findRegistry(): string {
  const own = fileURLToPath(new URL('../../../../.runtime/docker-registry', import.meta.url));
  const found = [own, '/usr/bin/docker-registry', '/usr/local/bin/docker-registry'].find(existsSync);
  if (found === undefined)
    throw new Error(`${own} is missing: run "npm test", which brings it, or install Debian's docker-registry.`);
  return found;
}

async function buildImage(imageRef: string, layerBytes: readonly number[]): Promise<void> {
  const names = layerBytes.map((_, index) => `noise-${index}`);
  const dockerfile = [`FROM ${await testImage()}`, ...names.map((name) => `COPY ${name} /${name}`)].join('\n');
  const context = await tarArchive([
    { name: 'Dockerfile', mode: 0o644, content: dockerfile },
    ...layerBytes.map((bytes, index) => ({ name: `noise-${index}`, mode: 0o644, content: randomBytes(bytes) })),
  ]);
  await succeeds(await docker.buildImage(Readable.from([context]), { t: imageRef, forcerm: true }));
}

async function pushImage(imageRef: string): Promise<void> {
  const nobody = { username: '', password: '', serveraddress: '' };
  await succeeds(await docker.getImage(imageRef).push({ authconfig: nobody }));
}

async function succeeds(answer: NodeJS.ReadableStream): Promise<void> {
  const said = await text(answer);
  if (said.includes('"error"')) throw new Error(`The engine refused: ${said.slice(-1000)}`);
}

async function forgetImage(imageRef: string): Promise<void> {
  await docker
    .getImage(imageRef)
    .remove({ force: true })
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
    });
}
