"""Composition: settings, desktop, server; and a stop that is over within three seconds."""

import asyncio
import os
import secrets
import signal
import sys
import time

from .client import default_gateway, read_client
from .desktop import Desktop
from .http_messages import BadRequest, Reply, encode_reply, read_request
from .pages import load_pages
from .relay import relay_picture, relay_sound
from .routes import Routes
from .settings import Settings, read_settings, take_password
from .sign_in import SignIn, keep_key
from .websocket import ProtocolError

BROKEN = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, OSError, ProtocolError)


def log(line: str) -> None:
    print(f"deskgate: {line}", flush=True)


class Server:
    def __init__(self, settings: Settings, routes: Routes, proxy: str | None) -> None:
        self._settings = settings
        self._routes = routes
        self._proxy = proxy

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                await writer.drain()
            await writer.drain()
        except BROKEN:
            # A browser that left, or never was one.
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """False when the connection is of no further use."""
        try:
            request = await read_request(reader)
        except BadRequest as bad:
            writer.write(encode_reply(Reply(bad.status), keep_alive=False))
            return False
        peer = (writer.get_extra_info("peername") or ("?",))[0]
        reply = await self._routes.answer(request, read_client(peer, request.headers, self._proxy))
        if isinstance(reply, Reply):
            writer.write(encode_reply(reply, head_only=request.method == "HEAD", keep_alive=request.keep_alive))
            return request.keep_alive
        if reply == "vnc":
            await relay_picture(request, reader, writer, self._settings.vnc_socket)
        else:
            await relay_sound(request, reader, writer)
        return False


async def main() -> None:
    settings = read_settings(dict(os.environ))
    password = take_password(os.environ)
    if not password and not settings.no_auth:
        password = secrets.token_urlsafe(12)
        log(f"no PASSWORD was given; until the next start it is {password}")
    with open("/proc/net/route", encoding="ascii") as table:
        proxy = default_gateway(table.read())
    desktop = Desktop(settings, log)
    sign_in = SignIn(keep_key(settings.key_file), settings.user, password, time.time)
    routes = Routes(settings, sign_in, load_pages(settings.www, settings.title), lambda: desktop.is_up)

    stop = asyncio.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(which, stop.set)
    listener = await asyncio.start_server(Server(settings, routes, proxy).serve, "0.0.0.0", settings.port, limit=1 << 16)
    log(f"listening on port {settings.port} at {settings.prefix}")
    running = asyncio.create_task(desktop.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    listener.close()
    await desktop.stop()
    if not stop.is_set():
        # The supervisor broke: the container ends, and whoever runs it starts it anew.
        running.result()


try:
    asyncio.run(main())
except ValueError as error:
    sys.exit(f"deskgate: {error}")
