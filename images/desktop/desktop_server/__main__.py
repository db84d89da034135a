"""Composition: settings, desktop, server; and a stop that is over within three seconds."""

import asyncio
import logging
import os
import secrets
import signal
import sys
import time

from aiohttp import web

from .client import default_gateway
from .connection import Connection, is_worth_logging
from .desktop import Desktop
from .routes import Routes
from .settings import read_settings, take_password
from .sign_in import SignIn, keep_key
from .typist import Typist
from .x_windows import DISPLAY

CLOSE_SECONDS = 0.5


def log(line: str) -> None:
    print(f"desktop-server: {line}", flush=True)


async def main() -> None:
    logging.getLogger("aiohttp.server").addFilter(is_worth_logging)
    settings = read_settings(dict(os.environ))
    password = take_password(os.environ)
    if not password and not settings.no_auth:
        password = secrets.token_urlsafe(12)
        log(f"no PASSWORD was given; until the next start it is {password}")
    with open("/proc/net/route", encoding="ascii") as table:
        proxy = default_gateway(table.read())
    typist = Typist(DISPLAY)
    desktop = Desktop(settings, typist, log)
    sign_in = SignIn(keep_key(settings.key_file), settings.user, password, time.time)

    stop = asyncio.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(which, stop.set)
    runner = web.AppRunner(Routes(settings, sign_in, lambda: desktop.is_up, typist, proxy).create_app())
    await runner.setup()
    server = runner.server
    assert server is not None
    listener = await asyncio.get_running_loop().create_server(lambda: Connection(server), "0.0.0.0", settings.port)
    log(f"listening on port {settings.port} at {settings.prefix}")
    running = asyncio.create_task(desktop.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    listener.close()
    await desktop.stop()
    await server.shutdown(CLOSE_SECONDS)
    if not stop.is_set():
        # The supervisor broke: the container ends, and its engine may start it again.
        running.result()


try:
    asyncio.run(main())
except ValueError as error:
    sys.exit(f"desktop-server: {error}")
