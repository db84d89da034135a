"""What is answered to whom. One place says what a stranger gets: the login page, its style and icon, and whether it is up."""

import asyncio
import math
import time
import urllib.parse
from collections.abc import Callable

from .client import Client
from .guesses import Guesses
from .http_messages import Reply, Request, redirect
from .pages import Page, answer
from .settings import Settings
from .sign_in import LIFETIME_SECONDS, SignIn

OPEN_PAGES = {"login": "login.html", "login.css": "login.css", "login.js": "login.js", "icon.svg": "icon.svg"}
WRONG_SECONDS = 0.4
SOCKETS = ("vnc", "audio")
CHALLENGE = {"WWW-Authenticate": 'Basic realm="desktop"'}


class Routes:
    def __init__(self, settings: Settings, sign_in: SignIn, pages: dict[str, Page], is_up: Callable[[], bool]) -> None:
        self._settings = settings
        self._sign_in = sign_in
        self._pages = pages
        self._is_up = is_up
        self._guesses = Guesses()

    async def answer(self, request: Request, client: Client) -> Reply | str:
        """The reply; or, for a WebSocket that may be opened, which of SOCKETS it asks for."""
        prefix = self._settings.prefix
        if request.path in ("/healthz", f"{prefix}healthz"):
            return self._health()
        if f"{request.path}/" == prefix:
            return redirect(prefix)
        if not request.path.startswith(prefix):
            return Reply(404, b"not found\n")
        path = request.path[len(prefix) :]
        if path == "login" and request.method == "POST":
            return await self._log_in(request, client)
        if request.method not in ("GET", "HEAD"):
            return Reply(405, headers={"Allow": "GET, HEAD"})
        if path == "" and not request.is_websocket and not self._is_up():
            page = self._pages["starting.html"]
            return Reply(503, page.raw, page.content_type, {"Retry-After": "1", "Content-Security-Policy": page.policy})
        if path in OPEN_PAGES:
            return answer(self._pages[OPEN_PAGES[path]], request)
        return self._refusal(request, client) or self._inside(path, request, client)

    def _health(self) -> Reply:
        return Reply(200, b"up\n") if self._is_up() else Reply(503, b"starting\n")

    def _inside(self, path: str, request: Request, client: Client) -> Reply | str:
        if request.is_websocket:
            if not _is_same_site(request, client):
                return Reply(403, b"a page of another site may not open this\n")
            return path if path in SOCKETS else Reply(404, b"not found\n")
        page = self._pages.get(path or "index.html")
        return Reply(404, b"not found\n") if page is None else answer(page, request)

    def _refusal(self, request: Request, client: Client) -> Reply | None:
        """None for who is signed in."""
        authorization = request.headers.get("authorization")
        if self._settings.no_auth or self._sign_in.has_cookie(request.headers.get("cookie", "")):
            return None
        if authorization is not None:
            return self._check_basic(authorization, client)
        if request.is_websocket or not request.wants_page:
            # Without a challenge: a browser would cover the page's own retry with a prompt.
            return Reply(401, b"sign in first\n")
        return redirect(f"{self._settings.prefix}login")

    def _check_basic(self, authorization: str, client: Client) -> Reply | None:
        wait = self._guesses.seconds_to_wait(client.address, time.monotonic())
        if wait > 0:
            return _too_many(wait)
        if self._sign_in.is_basic(authorization):
            return None
        self._guesses.add_wrong(client.address, time.monotonic())
        return Reply(401, b"sign in first\n", headers=CHALLENGE)

    async def _log_in(self, request: Request, client: Client) -> Reply:
        if not _is_same_site(request, client):
            return Reply(403, b"a page of another site may not sign in\n")
        prefix = self._settings.prefix
        wait = self._guesses.seconds_to_wait(client.address, time.monotonic())
        if wait > 0:
            return redirect(f"{prefix}login?wait={math.ceil(wait)}") if request.wants_page else _too_many(wait)
        if self._settings.no_auth or self._sign_in.is_password(request.form().get("password", "")):
            self._guesses.forget(client.address)
            rules = f"Path={prefix}; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax{'; Secure' if client.secure else ''}"
            return redirect(prefix, Set_Cookie=f"{self._sign_in.cookie_name}={self._sign_in.make_token()}; {rules}")
        self._guesses.add_wrong(client.address, time.monotonic())
        await asyncio.sleep(WRONG_SECONDS)
        return redirect(f"{prefix}login?wrong")


def _too_many(wait: float) -> Reply:
    seconds = math.ceil(wait)
    text = f"Too many wrong passwords came from your address. The next may be tried in {seconds} s.\n"
    return Reply(429, text.encode(), headers={"Retry-After": str(seconds)})


def _is_same_site(request: Request, client: Client) -> bool:
    """Programs send no Origin; browsers always do where it matters."""
    origin = request.headers.get("origin")
    return origin is None or urllib.parse.urlsplit(origin).netloc == client.host
