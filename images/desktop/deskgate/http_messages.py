"""HTTP/1.1, as far as a desktop needs it."""

import asyncio
import urllib.parse
from dataclasses import dataclass, field
from http import HTTPStatus

MOST_BODY_BYTES = 8192
TEXT = "text/plain; charset=utf-8"


class BadRequest(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Request:
    method: str
    # Decoded, without the query.
    path: str
    # Names in lower case.
    headers: dict[str, str]
    body: bytes
    keep_alive: bool

    @property
    def is_websocket(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def wants_page(self) -> bool:
        return "text/html" in self.headers.get("accept", "text/html")

    def form(self) -> dict[str, str]:
        fields = urllib.parse.parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: dict[str, str] = field(default_factory=dict)


def redirect(location: str, **headers: str) -> Reply:
    return Reply(302, headers={"Location": location, **{name.replace("_", "-"): value for name, value in headers.items()}})


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Raises BadRequest for what is none or too much, and what a stream raises when it ends."""
    request_line, *lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode("latin-1").split("\r\n")
    try:
        method, target, version = request_line.split(" ")
    except ValueError:
        raise BadRequest(400) from None
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise BadRequest(400)
    if int(length) > MOST_BODY_BYTES or "transfer-encoding" in headers:
        raise BadRequest(413)
    return Request(
        method=method,
        path=urllib.parse.unquote(target.split("?", 1)[0]),
        headers=headers,
        body=await asyncio.wait_for(reader.readexactly(int(length)), 20),
        keep_alive=version == "HTTP/1.1" and "close" not in headers.get("connection", "").lower(),
    )


def encode_reply(reply: Reply, *, head_only: bool = False, keep_alive: bool = True) -> bytes:
    headers = {
        "Content-Length": str(len(reply.body)),
        "Content-Type": reply.content_type,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Connection": "keep-alive" if keep_alive else "close",
        **reply.headers,
    }
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head_only else reply.body)
