import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOCKET = '/var/run/docker.sock';

export interface TlsEngine extends AsyncDisposable {
  readonly port: number;
  /** How many connections it has taken. */
  readonly taken: number;
}

/**
 * The engine behind TLS with certificates of both sides, as `dockerd --tlsverify` is. Makes the folder with a client's
 * certificates, as ENGINE_CERTS takes it.
 */
export async function openTlsEngine(certificates: string): Promise<TlsEngine> {
  const file = (name: string): string => path.join(certificates, name);
  await mkdir(certificates);
  await issue(file, { key: 'ca-key.pem', certificate: 'ca.pem', name: 'ca' });
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  await issue(file, { key: 'server-key.pem', certificate: 'server.pem', name: 'server', extension: names });
  const client = 'extendedKeyUsage=clientAuth';
  await issue(file, { key: 'key.pem', certificate: 'cert.pem', name: 'client', extension: client });
  const [cert, key, ca] = await Promise.all(
    ['server.pem', 'server-key.pem', 'ca.pem'].map((each) => readFile(file(each))),
  );
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  };
  let taken = 0;
  // As dockerd does, it goes on sending to a client that has sent all.
  const half = { allowHalfOpen: true } as const;
  const server = createServer({ cert, key, ca, requestCert: true, ...half }, (incoming) => {
    taken += 1;
    const engine = connect({ path: SOCKET, ...half });
    track(engine);
    incoming.on('error', () => undefined);
    incoming.pipe(engine).pipe(incoming);
  });
  // Those of clients that are refused, too.
  server.on('connection', track);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get taken() {
      return taken;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Wanted {
  readonly key: string;
  readonly certificate: string;
  readonly name: string;
  /** Without it, the certificate of the authority. */
  readonly extension?: string;
}

async function issue(file: (name: string) => string, { key, certificate, name, extension }: Wanted): Promise<void> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const issuer = ['-CA', file('ca.pem'), '-CAkey', file('ca-key.pem')];
  const subject = ['-days', '1', '-subj', `/CN=${name}`];
  const files = ['-keyout', file(key), '-out', file(certificate)];
  const extended = extension === undefined ? [] : [...issuer, '-addext', extension];
  await run('openssl', ['req', '-x509', ...curve, ...files, ...subject, ...extended]);
}
