"""The routes, and who may use them: a client that is not signed in gets `_open`, and whether the desktop is up."""

import asyncio
import math
import time
import urllib.parse
from collections.abc import Awaitable, Callable

from aiohttp import web

from .audience import Audience
from .client import Client, read_client
from .guesses import Guesses
from .pages import POLICY, load_pages
from .picture_clipboard import MOST_BYTES as MOST_PICTURE_BYTES
from .picture_clipboard import SIGNATURE, read_picture, write_picture
from .relay import relay_picture, relay_sound
from .scale import Scale
from .settings import Settings
from .sign_in import LIFETIME_SECONDS, SignIn
from .typist import Typist
from .x_windows import DISPLAY

MOST_BODY_BYTES = 8192
BODY_SECONDS = 20
WRONG_SECONDS = 0.4
CHALLENGE = {"WWW-Authenticate": 'Basic realm="desktop"'}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": f"{POLICY}; script-src 'self'",
}


class Routes:
    def __init__(
        self, settings: Settings, sign_in: SignIn, is_up: Callable[[], bool], typist: Typist, proxy: str | None
    ) -> None:
        """`proxy` is the one address that may say for whom it forwards."""
        self._settings = settings
        self._sign_in = sign_in
        self._is_up = is_up
        self._proxy = proxy
        self._pages = load_pages(settings.templates, settings.www, settings.title)
        self._guesses = Guesses()
        self._audience = Audience()
        self._typist = typist
        self._scale = Scale(DISPLAY)
        self._prefix = settings.prefix
        self._health_paths = {"/healthz", f"{self._prefix}healthz"}
        files = {f"{self._prefix}{name}" for name in ("login", "login.css", "login.js", "icon.svg")}
        self._open = self._health_paths | files | {self._prefix.rstrip("/")}

    def create_app(self) -> web.Application:
        app = web.Application(middlewares=[self._require_sign_in], client_max_size=MOST_BODY_BYTES)
        app.on_response_prepare.append(_set_headers)
        for path in self._health_paths:
            app.router.add_get(path, self._show_health)
        if self._prefix != "/":
            app.router.add_get(self._prefix.rstrip("/"), self._add_slash)
        app.router.add_get(self._prefix, self._show_desktop)
        app.router.add_get(f"{self._prefix}login", self._show_login)
        app.router.add_post(f"{self._prefix}login", self._log_in)
        app.router.add_get(f"{self._prefix}clipboard.png", self._read_clipboard)
        app.router.add_put(f"{self._prefix}clipboard.png", self._write_clipboard)
        app.router.add_get(f"{self._prefix}vnc", self._relay_picture)
        app.router.add_get(f"{self._prefix}audio", self._relay_sound)
        # The last one, because it takes every path below the prefix.
        app.router.add_static(self._prefix, self._settings.www)
        return app

    @web.middleware
    async def _require_sign_in(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if _is_viewer(request) and request.method not in ("GET", "HEAD"):
            raise web.HTTPForbidden(text="who looks on changes nothing\n")
        # Of what has no route, aiohttp says so: 404 outside the prefix, 405 for another method.
        if request.match_info.http_exception is not None or request.path in self._open:
            return await handler(request)
        if request.path == self._prefix and not self._is_up():
            # Before the password is asked for: a health check does not know it.
            return self._pages["starting"].to_response(503, {"Retry-After": "1"})
        refusal = self._find_refusal(request)
        if refusal is not None:
            raise refusal
        return await handler(request)

    def _find_refusal(self, request: web.Request) -> web.HTTPException | None:
        """None for a client that is signed in."""
        if self._settings.no_auth or self._sign_in.has_cookie("; ".join(request.headers.getall("Cookie", []))):
            return None
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            return self._check_basic(authorization, self._client_of(request))
        if "Upgrade" in request.headers or not _wants_page(request):
            # Without a challenge: a browser would cover the page's own retry with a prompt.
            return web.HTTPUnauthorized(text="sign in first\n")
        return web.HTTPFound(f"{self._prefix}login")

    def _check_basic(self, authorization: str, client: Client) -> web.HTTPException | None:
        wait = self._guesses.seconds_to_wait(client.address, time.monotonic())
        if wait > 0:
            return _too_many(wait)
        if self._sign_in.is_basic(authorization):
            return None
        self._guesses.add_wrong(client.address, time.monotonic())
        return web.HTTPUnauthorized(text="sign in first\n", headers=CHALLENGE)

    async def _show_health(self, _request: web.Request) -> web.Response:
        return web.Response(text="up\n") if self._is_up() else web.Response(status=503, text="starting\n")

    async def _add_slash(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound(self._prefix)

    async def _show_desktop(self, request: web.Request) -> web.Response:
        return self._pages["viewer" if _is_viewer(request) else "index"].to_response()

    async def _show_login(self, _request: web.Request) -> web.Response:
        return self._pages["login"].to_response()

    async def _relay_picture(self, request: web.Request) -> web.StreamResponse:
        self._require_same_site(request)
        how = (self._audience, self._typist, self._scale, _is_viewer(request))
        return await relay_picture(request, self._settings.vnc_socket, *how)

    async def _read_clipboard(self, request: web.Request) -> web.Response:
        self._require_same_site(request)
        if _is_viewer(request):
            raise web.HTTPForbidden(text="what is copied is nothing to look at\n")
        picture = await read_picture(DISPLAY)
        if picture is None:
            raise web.HTTPNotFound(text="the clipboard has no picture\n")
        return web.Response(body=picture, content_type="image/png")

    async def _write_clipboard(self, request: web.Request) -> web.Response:
        self._require_same_site(request)
        length = request.content_length
        if length is None or length > MOST_PICTURE_BYTES:
            raise web.HTTPRequestEntityTooLarge(MOST_PICTURE_BYTES, length or 0)
        try:
            picture = await asyncio.wait_for(request.content.readexactly(length), BODY_SECONDS)
        except (asyncio.TimeoutError, asyncio.IncompleteReadError):
            raise web.HTTPRequestTimeout from None
        if not picture.startswith(SIGNATURE):
            raise web.HTTPUnsupportedMediaType(text="it is no PNG\n")
        await write_picture(DISPLAY, picture)
        return web.Response(status=204)

    async def _relay_sound(self, request: web.Request) -> web.StreamResponse:
        self._require_same_site(request)
        return await relay_sound(request, is_opus=request.query.get("codec") == "opus")

    async def _log_in(self, request: web.Request) -> web.Response:
        self._require_same_site(request)
        client = self._client_of(request)
        wait = self._guesses.seconds_to_wait(client.address, time.monotonic())
        if wait > 0 and _wants_page(request):
            raise web.HTTPFound(f"{self._prefix}login?wait={math.ceil(wait)}")
        if wait > 0:
            raise _too_many(wait)
        if self._settings.no_auth or self._sign_in.is_password(await _read_password(request)):
            self._guesses.forget(client.address)
            signed_in = web.HTTPFound(self._prefix)
            flags = {"httponly": True, "samesite": "Lax", "secure": client.secure}
            token = self._sign_in.make_token()
            signed_in.set_cookie(self._sign_in.cookie_name, token, path=self._prefix, max_age=LIFETIME_SECONDS, **flags)
            raise signed_in
        self._guesses.add_wrong(client.address, time.monotonic())
        await asyncio.sleep(WRONG_SECONDS)
        raise web.HTTPFound(f"{self._prefix}login?wrong")

    def _require_same_site(self, request: web.Request) -> None:
        """Programs send no Origin; browsers always do where it matters."""
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != self._client_of(request).host:
            raise web.HTTPForbidden(text="a page of another site may not do this\n")

    def _client_of(self, request: web.Request) -> Client:
        return read_client(request.remote or "", request.headers, self._proxy)


async def _read_password(request: web.Request) -> str:
    try:
        body = await asyncio.wait_for(request.read(), BODY_SECONDS)
    except asyncio.TimeoutError:
        raise web.HTTPRequestTimeout from None
    return urllib.parse.parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).get("password", [""])[0]


async def _set_headers(request: web.Request, response: web.StreamResponse) -> None:
    if _is_viewer(request):
        # The gateway shows a viewer only what says that a viewer's input is left out.
        response.headers["X-Swiftor-Access"] = "view"
    response.headers.popall("Server", None)
    # Files are asked for again with their ETag; everything else depends on who asks, and when.
    response.headers.setdefault("Cache-Control", "no-cache" if isinstance(response, web.FileResponse) else "no-store")
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _is_viewer(request: web.Request) -> bool:
    """The gateway says so, which takes the header out of what its clients send. Anybody else may as well be one."""
    return "view" in request.headers.getall("X-Swiftor-Access", [])


def _wants_page(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "text/html")


def _too_many(wait: float) -> web.HTTPTooManyRequests:
    seconds = math.ceil(wait)
    text = f"Too many wrong passwords came from your address. The next may be tried in {seconds} s.\n"
    return web.HTTPTooManyRequests(text=text, headers={"Retry-After": str(seconds)})
