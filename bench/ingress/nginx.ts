import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { docker } from '../../test/support/engine/engines.ts';
import { tarArchive, type TarEntry } from '../../test/support/engine/images/tar-archive.ts';

const OWN = fileURLToPath(new URL('../../.runtime/nginx', import.meta.url));
const READY_DEADLINE_MS = 10_000;

function findNginx(): string {
  const found = [OWN, '/usr/sbin/nginx'].find(existsSync);
  if (found === undefined) throw new Error('nginx is missing: run "npm run bench", which installs it.');
  return found;
}

/** The part of both configurations that lets any user run them anywhere. */
const COMMON = (
  folder: string,
): string => `daemon off; worker_processes 1; user root; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 1024; }`;
const TEMP = (folder: string): string =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');

/**
 * Imports an image of nginx with the files, made from this machine's program and libraries: an app that costs almost
 * nothing and keeps connections alive. Returns its reference. The caller removes it.
 */
export async function importNginxImage(files: Readonly<Record<string, Buffer<ArrayBuffer>>>): Promise<string> {
  const nginx = findNginx();
  const { stdout } = await promisify(execFile)('ldd', [nginx]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file);
  const config = `${COMMON('/tmp')} http { access_log off; keepalive_requests 1000000; sendfile on; ${TEMP('/tmp')} server { listen 3000; root /www; } }`;
  const parts: TarEntry[] = [];
  const put = (name: string, mode: number, content: Buffer<ArrayBuffer>) =>
    parts.push({ name: name.replace(/^\//, ''), mode, content });
  put('/nginx', 0o755, await readFile(nginx));
  for (const library of libraries) put(library, 0o755, await readFile(library));
  put('/nginx.conf', 0o644, Buffer.from(config));
  put('/etc/passwd', 0o644, Buffer.from('root:x:0:0:root:/:/\n'));
  put('/etc/group', 0o644, Buffer.from('root:x:0:\n'));
  for (const [name, content] of Object.entries(files)) put(`/www/${name}`, 0o644, content);
  const folders = ['tmp/', 'config/'].map((name) => ({ name, mode: 0o777 }));
  const archive = await tarArchive([...folders, ...parts]);
  const changes = ['CMD ["/nginx", "-c", "/nginx.conf", "-p", "/tmp"]'];
  const said = await text(
    await docker.importImage(Readable.from([archive]), { repo: 'swiftor-bench/nginx', tag: '1', changes }),
  );
  if (said.includes('"error"')) throw new Error(`The engine did not import nginx: ${said}`);
  return 'swiftor-bench/nginx:1';
}

export interface NginxProxy extends AsyncDisposable {
  readonly port: number;
}

/**
 * nginx as a reverse proxy: one worker, keep-alive connections to the app, streaming, WebSockets, forwarded headers.
 */
export async function startNginxProxy(app: { readonly host: string; readonly port: number }): Promise<NginxProxy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-nginx-'));
  await chmod(folder, 0o755);
  await mkdir(path.join(folder, 'logs'));
  const port = await freePort();
  const config = `${COMMON(folder)}
http {
  access_log off; keepalive_requests 1000000; tcp_nodelay on; ${TEMP(folder)}
  upstream app { server ${app.host}:${app.port}; keepalive 64; keepalive_requests 1000000; }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;
      proxy_set_header Host $host; proxy_set_header Connection $connection_upgrade; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;
    }
  }
}`;
  const file = path.join(folder, 'nginx.conf');
  await writeFile(file, config);
  const child = spawn(findNginx(), ['-c', file, '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const begun = performance.now();
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() - begun > READY_DEADLINE_MS) {
      await stop();
      throw new Error('nginx did not start; its output is above.');
    }
    await delay(20);
  }
  return { port, [Symbol.asyncDispose]: stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy());
}
