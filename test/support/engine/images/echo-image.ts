import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { docker as ours } from '../engines.ts';
import { importOnce } from './tiny-image.ts';

const PERL = '/usr/bin/perl';
/** busybox has no UDP server; perl needs no module for one. AF_INET, SOCK_DGRAM; any address, port 7. */
const UDP_ECHO = String.raw`$SIG{TERM} = sub { exit }; socket(S, 2, 2, 0) or die; bind(S, pack("Sna4x8", 2, 7, "\0\0\0\0")) or die; while (defined($from = recv(S, $data, 2048, 0))) { send(S, $data, 0, $from) }`;

/** Serves the tiny image's page on port 3000, and says back what comes to TCP and UDP port 7. */
export const ECHO_COMMAND = [
  '/bin/sh',
  '-c',
  `httpd -p 3000 -h /www; nc -ll -p 7 -e /bin/cat & exec ${PERL} -e '${UDP_ECHO}'`,
] as const;

/** The reference of the tiny image with the machine's own perl in it. */
export function echoImage(docker: Docker = ours): Promise<string> {
  return importOnce(docker, 'swiftor-test/echo', '1', async () => {
    const { stdout } = await promisify(execFile)('ldd', [PERL]);
    const files = [PERL, ...[...stdout.matchAll(/(\/\S+\.so\S*) \(/g)].map(([, file = '']) => file)];
    const folders = new Set(
      files.flatMap((file) =>
        file
          .split('/')
          .slice(1, -1)
          .map((_, index, all) => all.slice(0, index + 1).join('/')),
      ),
    );
    return [
      ...[...folders].map((folder) => ({ name: `${folder}/`, mode: 0o755 })),
      ...(await Promise.all(
        files.map(async (file) => ({ name: file.slice(1), mode: 0o755, content: await readFile(file) })),
      )),
    ];
  });
}

/** What comes back from 127.0.0.1 at that port for a word; rejects when nothing does within 2 s. */
export function echo(protocol: 'tcp' | 'udp', port: number, word: string): Promise<string> {
  return protocol === 'tcp' ? tcpEcho(port, word) : udpEcho(port, word);
}

function tcpEcho(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 });
    const end = (error: Error) => (socket.destroy(), reject(error));
    socket.on('connect', () => socket.write(word));
    socket.on('data', (chunk) => (socket.destroy(), resolve(String(chunk))));
    socket
      .on('error', end)
      .on('timeout', () => end(new Error('no answer')))
      .on('close', () => end(new Error('closed')));
  });
}

function udpEcho(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => (socket.close(), reject(new Error('no answer'))), 2_000);
    socket.on('message', (chunk) => (clearTimeout(timer), socket.close(), resolve(String(chunk))));
    socket.on('error', (error) => (clearTimeout(timer), socket.close(), reject(error)));
    socket.connect(port, '127.0.0.1', () => socket.send(word));
  });
}
