"""Frames of WebSockets (RFC 6455), for one purpose: to carry a stream of bytes."""

import asyncio
import base64
import hashlib
import struct

from .http_messages import Request

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MOST_FRAME_BYTES = 16 << 20
GOING_AWAY, UNEXPECTED, TRY_AGAIN_LATER = 1001, 1011, 1013

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class ProtocolError(Exception):
    """The peer sent what no browser sends."""


def encode_handshake(request: Request) -> bytes:
    key = request.headers.get("sec-websocket-key", "")
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
    if "binary" in request.headers.get("sec-websocket-protocol", ""):
        lines.append("Sec-WebSocket-Protocol: binary")
    return "\r\n".join([*lines, "", ""]).encode()


def encode_frame(opcode: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, size) + data
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + data
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + data


def encode_close(code: int, reason: bytes = b"") -> bytes:
    return encode_frame(CLOSE, struct.pack("!H", code) + reason)


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload. Raises ProtocolError for a frame that is not masked or too long."""
    first, second = await reader.readexactly(2)
    size = second & 127
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    if not second & 128 or size > MOST_FRAME_BYTES:
        raise ProtocolError
    mask = await reader.readexactly(4)
    return first & 15, unmask(await reader.readexactly(size), mask)


def unmask(data: bytes, mask: bytes) -> bytes:
    # As two whole numbers: byte by byte would take a core for a drag of the mouse.
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")
