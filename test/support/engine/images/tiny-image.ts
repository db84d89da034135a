import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { eventually } from '../../eventually.ts';
import { tarArchive, type TarEntry } from './tar-archive.ts';

const REPOSITORY = 'swiftor-test/tiny';
const TAG = '1';
const BUSYBOX = '/bin/busybox';
const APPLETS = 'sh httpd sleep cat echo id env wget nc dd tail test true false mkdir touch seq printf'.split(' ');
const SERVE = `trap 'exit 0' TERM; ${BUSYBOX} httpd -f -v -p 3000 -h /www & wait`;

/**
 * The reference of a tiny image, which is imported into the engine when it is not there: busybox, a web page on port
 * 3000, and its environment as text at /cgi-bin/env. Safe to call in several processes at once.
 */
export function testImage(docker = new Docker({ socketPath: '/var/run/docker.sock' })): Promise<string> {
  return importOnce(docker, REPOSITORY, TAG, async () => []);
}

/** The reference of the tiny image with more entries in it, which one process imports when it is not there. */
export async function importOnce(
  docker: Docker,
  repo: string,
  tag: string,
  readExtra: () => Promise<readonly TarEntry[]>,
): Promise<string> {
  const imageRef = `${repo}:${tag}`;
  const exists = () =>
    docker
      .getImage(imageRef)
      .inspect()
      .then(
        () => true,
        (error: { statusCode?: number }) => {
          if (error.statusCode === 404) return false;
          throw error;
        },
      );
  await eventually(
    async () => {
      if (await exists()) return true;
      const release = await tryLock(`swiftor-test-image-${imageRef}`);
      if (!release) return false;
      try {
        if (!(await exists())) await importImage(docker, repo, tag, await readExtra());
      } finally {
        release();
      }
      return exists();
    },
    { deadline: 60_000 },
  );
  return imageRef;
}

async function importImage(docker: Docker, repo: string, tag: string, extra: readonly TarEntry[]): Promise<void> {
  const busybox = await readFile(BUSYBOX).catch((cause: unknown) => {
    throw new Error(`${BUSYBOX} is missing: install Debian's package busybox-static.`, { cause });
  });
  const cgi = '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nenv\n';
  const archive = await tarArchive([
    ...['bin', 'www', 'www/cgi-bin', 'config', 'tmp', 'etc', 'proc', 'sys', 'dev'].map((name) => ({
      name: `${name}/`,
      mode: 0o755,
    })),
    { name: 'bin/busybox', mode: 0o755, content: busybox },
    ...APPLETS.map((name) => ({ name: `bin/${name}`, mode: 0o777, linkname: 'busybox' })),
    { name: 'etc/passwd', mode: 0o644, content: 'root:x:0:0:root:/:/bin/sh\n' },
    { name: 'www/index.html', mode: 0o644, content: '<!doctype html><title>tiny</title><h1>tiny</h1>\n' },
    { name: 'www/cgi-bin/env', mode: 0o755, content: cgi },
    { name: 'config/from-image', mode: 0o644, content: 'from the image\n' },
    ...extra,
  ]);
  const changes = ['ENV PATH=/bin', `CMD ${JSON.stringify([BUSYBOX, 'sh', '-c', SERVE])}`];
  const answer = await text(await docker.importImage(Readable.from([archive]), { repo, tag, changes }));
  if (answer.includes('"error"')) throw new Error(`The engine did not import the image: ${answer}`);
}

/** A lock between processes that ends with its holder: a socket name that only one can have. */
function tryLock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(`\0${name}`, () => resolve(() => server.close()));
  });
}
