"""Carries a stream between a browser's WebSocket and what is behind it: the X server's picture, or the sound.

Beside the picture, in text messages, both sides say what its protocol has no word for: JSON objects with one member.
The browser says `text`, which is to be typed, and `scale`, how many pixels of its screen one of the page is; the
server says `browsers`, how many show the picture, when that changes.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import nullcontext

from aiohttp import WSCloseCode, WSMsgType, web

from .audience import Audience
from .scale import Scale
from .sound import open_encoder, read_frames, start_recorder
from .typist import Typist
from .viewer import ViewerFilter

PING_SECONDS = 25
# A browser answers pings; one that sends nothing this long is gone.
SILENCE_SECONDS = 80
CLOSE_SECONDS = 1
MOST_MESSAGE_BYTES = 16 << 20


async def relay_picture(
    request: web.Request, vnc_socket: str, audience: Audience, typist: Typist, scale: Scale, is_viewer: bool
) -> web.WebSocketResponse:
    browser = await _accept(request)
    try:
        source, sink = await asyncio.open_unix_connection(vnc_socket)
    except OSError:
        await _close(request, browser, WSCloseCode.TRY_AGAIN_LATER, b"the desktop is not up")
        return browser

    async def take(message: object) -> None:
        if isinstance(message, dict) and isinstance(message.get("text"), str):
            # The keys that follow wait for it.
            await typist.type(message["text"])
        elif isinstance(message, dict) and isinstance(message.get("scale"), (int, float)):
            # What it sends next need not wait.
            scale.want(message["scale"])

    try:
        if is_viewer:
            # It neither types nor gives the desktop its size, so the others do not count it.
            await _relay(request, browser, _to_browser(source, browser), _from_viewer(browser, sink, ViewerFilter()))
            return browser
        with audience.join():
            told = _tell_audience(browser, audience)
            await _relay(request, browser, _to_browser(source, browser), _from_browser(browser, sink, take), told)
    finally:
        sink.close()
    return browser


async def relay_sound(request: web.Request, is_opus: bool) -> web.WebSocketResponse:
    """A frame in each message, as Opus or as it is."""
    browser = await _accept(request)
    try:
        recorder = await start_recorder()
    except FileNotFoundError:
        await _close(request, browser, WSCloseCode.INTERNAL_ERROR, b"there is no sound here")
        return browser
    assert recorder.stdout is not None
    try:
        with open_encoder() if is_opus else nullcontext(bytes) as encode:
            sent = _send_frames(browser, read_frames(recorder.stdout), encode)
            await _relay(request, browser, sent, _from_browser(browser))
    finally:
        if recorder.returncode is None:
            recorder.kill()
        await recorder.wait()
    return browser


async def _accept(request: web.Request) -> web.WebSocketResponse:
    # Pictures are compressed already. Closing is up to `_close`, which has a deadline.
    browser = web.WebSocketResponse(
        protocols=("binary",),
        compress=False,
        autoclose=False,
        receive_timeout=SILENCE_SECONDS,
        max_msg_size=MOST_MESSAGE_BYTES,
    )
    await browser.prepare(request)
    return browser


async def _relay(request: web.Request, browser: web.WebSocketResponse, *ways: Coroutine[None, None, None]) -> None:
    """Until one of the ways ends."""
    tasks = [asyncio.create_task(way) for way in (*ways, _ping(browser))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await _close(request, browser, WSCloseCode.GOING_AWAY)


async def _to_browser(source: asyncio.StreamReader, browser: web.WebSocketResponse) -> None:
    while data := await source.read(65536):
        # Waits for a browser that reads slowly: its picture slows down, and our memory does not grow.
        await browser.send_bytes(data)


async def _send_frames(
    browser: web.WebSocketResponse, frames: AsyncIterator[bytes], encode: Callable[[bytes], bytes]
) -> None:
    async for frame in frames:
        await browser.send_bytes(encode(frame))


async def _from_browser(
    browser: web.WebSocketResponse,
    sink: asyncio.StreamWriter | None = None,
    take: Callable[[object], Awaitable[None]] | None = None,
) -> None:
    async for message in browser:
        if message.type == WSMsgType.BINARY and sink is not None:
            sink.write(message.data)
            await sink.drain()
        elif message.type == WSMsgType.TEXT and take is not None:
            await take(_read(message.data))


async def _from_viewer(browser: web.WebSocketResponse, sink: asyncio.StreamWriter, viewer: ViewerFilter) -> None:
    """Until it leaves, or sends what cannot be told apart."""
    async for message in browser:
        if message.type == WSMsgType.BINARY:
            sink.write(viewer.feed(message.data))
            await sink.drain()


async def _tell_audience(browser: web.WebSocketResponse, audience: Audience) -> None:
    told = audience.size
    while True:
        while audience.size == told:
            await audience.change()
        told = audience.size
        await browser.send_json({"browsers": told})


async def _ping(browser: web.WebSocketResponse) -> None:
    """Keeps an idle connection from being closed by proxies. aiohttp's own heartbeat would give up on a browser after
    half of its interval, and would wait for one that is gone until all that was sent has been acknowledged."""
    while True:
        await asyncio.sleep(PING_SECONDS)
        await browser.ping()


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


async def _close(request: web.Request, browser: web.WebSocketResponse, code: WSCloseCode, reason: bytes = b"") -> None:
    try:
        await asyncio.wait_for(browser.close(code=code, message=reason), CLOSE_SECONDS)
    except asyncio.TimeoutError:
        # It reads nothing, or is gone: what is still to be sent would keep the connection for minutes.
        if request.transport is not None:
            request.transport.abort()
