import { connect } from 'node:net';

/** A client that asks the proxy for a flood, and reads it or not. In a process of its own: reading takes time, too. */
const [port, path, how] = process.argv.slice(2);
const socket = connect(Number(port), '127.0.0.1');
socket.on('error', () => undefined);
if (how === 'reads') socket.resume();
socket.write(`GET ${path} HTTP/1.1\r\nHost: app\r\n\r\n`, () => process.stdout.write('0\n'));
