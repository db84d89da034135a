"""Carries a stream between a browser's WebSocket and what is behind it: the X server's picture, or the sound."""

import asyncio

from . import websocket
from .http_messages import Request

PING_SECONDS = 25
# A browser answers pings; one that sends nothing this long is gone.
SILENCE_SECONDS = 80
NO_PICTURE = (websocket.TRY_AGAIN_LATER, b"the desktop is not up")
NO_SOUND = (websocket.UNEXPECTED, b"there is no sound here")

PAREC = ("parec", "--format=s16le", "--rate=44100", "--channels=2", "--latency-msec=60", "-d", "desk.monitor")


async def relay_picture(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, vnc_socket: str) -> None:
    writer.write(websocket.encode_handshake(request))
    try:
        source, sink = await asyncio.open_unix_connection(vnc_socket)
    except OSError:
        writer.write(websocket.encode_close(*NO_PICTURE))
        return
    try:
        await _relay(reader, writer, source, sink)
    finally:
        sink.close()


async def relay_sound(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Signed 16 bit little-endian samples, 44.1 kHz, left and right."""
    writer.write(websocket.encode_handshake(request))
    try:
        recorder = await asyncio.create_subprocess_exec(*PAREC, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    except FileNotFoundError:
        writer.write(websocket.encode_close(*NO_SOUND))
        return
    assert recorder.stdout is not None
    try:
        await _relay(reader, writer, recorder.stdout, None)
    finally:
        if recorder.returncode is None:
            recorder.kill()
        await recorder.wait()


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: asyncio.StreamReader, sink: asyncio.StreamWriter | None
) -> None:
    """Until either side ends."""
    ways = (_to_browser(source, writer), _from_browser(reader, writer, sink), _ping(writer))
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _to_browser(source: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        writer.write(websocket.encode_frame(websocket.BINARY, data))
        # A browser that reads slowly slows the desktop's picture down, not our memory up.
        await writer.drain()
    writer.write(websocket.encode_close(websocket.GOING_AWAY))


async def _from_browser(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: asyncio.StreamWriter | None) -> None:
    while True:
        opcode, data = await asyncio.wait_for(websocket.read_frame(reader), SILENCE_SECONDS)
        if opcode == websocket.CLOSE:
            writer.write(websocket.encode_frame(websocket.CLOSE, data[:2]))
            return
        if opcode == websocket.PING:
            writer.write(websocket.encode_frame(websocket.PONG, data))
        elif opcode in (websocket.CONTINUATION, websocket.TEXT, websocket.BINARY) and sink is not None:
            sink.write(data)
            await sink.drain()


async def _ping(writer: asyncio.StreamWriter) -> None:
    """Proxies close what says nothing, and an idle desktop says nothing."""
    while True:
        await asyncio.sleep(PING_SECONDS)
        writer.write(websocket.encode_frame(websocket.PING, b""))
        await writer.drain()
