import { createServer, type AddressInfo, type Socket } from 'node:net';

/** An app that floods each client for as long as it reads, in the way that the path names. Prints its port. */
const FLOODS: Readonly<Record<string, { head: string; piece: string }>> = {
  '/one-byte-chunks': { head: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', piece: '1\r\nx\r\n' },
  '/informational': { head: '', piece: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' },
  '/large': { head: 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n', piece: 'x'.repeat(64) },
};

const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (request: Buffer) => {
    const flood = FLOODS[request.toString('latin1').split(' ')[1] ?? ''];
    if (flood === undefined) return void socket.destroy();
    socket.write(flood.head);
    pour(socket, Buffer.from(flood.piece.repeat(Math.ceil((256 * 1024) / flood.piece.length))));
  });
});

function pour(socket: Socket, block: Buffer): void {
  const write = (): void => {
    if (socket.destroyed) return;
    if (socket.write(block)) setImmediate(write);
    else socket.once('drain', write);
  };
  write();
}

server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
