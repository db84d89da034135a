import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from '../eventually.ts';
import { execIn } from '../engine/exec-in.ts';

/**
 * Moves the pointer of a desktop as the holder of this cookie, by the bytes of the protocol and not by its page.
 * Resolves once the desktop has sent a picture that was asked for after the move.
 */
export async function movePointer(
  port: number,
  { host, cookie }: { readonly host: string; readonly cookie: string },
  { x, y }: { readonly x: number; readonly y: number },
): Promise<void> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/vnc`, ['binary'], { headers: { host, cookie } });
  let bytes = 0;
  ws.on('message', (data: Buffer) => void (bytes += data.length));
  try {
    await once(ws, 'open');
    const pointer = Buffer.from([5, 0, 0, 0, 0, 0]);
    pointer.writeUInt16BE(x, 2);
    pointer.writeUInt16BE(y, 4);
    const rawEncoding = Buffer.from([2, 0, 0, 1, 0, 0, 0, 0]);
    const update = Buffer.from([3, 0, 0, 0, 0, 0, 1, 0, 1, 0]);
    ws.send(Buffer.concat([Buffer.from('RFB 003.008\n\u0001\u0001', 'latin1'), pointer, rawEncoding, update]));
    // 256 x 256 pixels of four bytes.
    await eventually(() => bytes >= 256 * 256 * 4, { deadline: 10_000 });
  } finally {
    ws.terminate();
  }
}

const QUERY_POINTER = `
import socket, struct
from desktop_server.x_windows import root_of
x = socket.socket(socket.AF_UNIX)
x.connect("/tmp/.X11-unix/X1")
stream = x.makefile("rb")
x.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
size = struct.unpack("<BxxxxxH", stream.read(8))[1]
x.sendall(struct.pack("<BBHI", 38, 0, 2, root_of(stream.read(size * 4))))
while (reply := stream.read(32))[0] != 1:
    pass
print(*struct.unpack_from("<hh", reply, 16))
`;

/** Where the pointer of the container's desktop is, as its X server says: "x y". */
export async function pointerOf(container: string): Promise<string> {
  const script = ['env', 'PYTHONPATH=/opt/desk', 'python3', '-c', QUERY_POINTER];
  const { exitCode, output } = await execIn(container, script);
  if (exitCode !== 0) throw new Error(`The X server was not asked: ${output}`);
  return output.trim();
}
