"""Limits on what a client that is not signed in can hold or fill."""

import asyncio
import logging

from aiohttp import web
from aiohttp.http import HttpProcessingError

IDLE_SECONDS = 60
# No less than what the gateway's own server takes.
MOST_HEADER_BYTES = 16384


class Connection(web.RequestHandler):
    """Closed when its first request does not come in time: aiohttp limits only the wait for later ones."""

    def __init__(self, server: web.Server, idle_seconds: float = IDLE_SECONDS) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=idle_seconds,
            max_field_size=MOST_HEADER_BYTES,
            # A form is never compressed, and a small compressed body can become a very large one.
            auto_decompress=False,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._first_request = asyncio.get_running_loop().call_later(self.keepalive_timeout, self._close_unused)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._first_request.cancel()
        super().connection_lost(exc)

    def _close_unused(self) -> None:
        if self._request_count == 0:
            self.force_close()


def is_worth_logging(record: logging.LogRecord) -> bool:
    """False for a request that is not HTTP: anyone can send those, and aiohttp logs a traceback of each."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
