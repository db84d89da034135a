"""Who is signed in: cookies that only this desktop can have made, or HTTP Basic."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable

from aiohttp import BasicAuth

LIFETIME_SECONDS = 7 * 24 * 3600


def keep_key(file: str) -> bytes:
    """The key of this home's cookies, made once: it stays when the container is replaced, and so do sessions."""
    try:
        with open(file, "rb") as found:
            key = found.read()
        if len(key) == 32:
            return key
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(32)
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    unfinished = f"{file}.{os.getpid()}"
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as fresh:
        fresh.write(key)
    os.replace(unfinished, file)
    return key


class SignIn:
    """The cookie's signature needs both the kept key and the password: another password signs everyone out, and the
    home's files alone do not suffice to make a cookie."""

    def __init__(self, key: bytes, user: str, password: str, now: Callable[[], float]) -> None:
        self._user = user
        self._password = password
        self._now = now
        self._secret = hmac.digest(key, password.encode(), "sha256")
        # Cookies ignore ports: desktops on one host need names of their own.
        self.cookie_name = "desk_" + hashlib.sha256(key).hexdigest()[:10]

    def is_password(self, password: str) -> bool:
        return _same(password, self._password)

    def make_token(self) -> str:
        until = str(int(self._now()) + LIFETIME_SECONDS)
        return f"{until}.{self._sign(until)}"

    def has_cookie(self, cookie_header: str) -> bool:
        pairs = (part.strip().partition("=") for part in cookie_header.split(";"))
        return any(name == self.cookie_name and self._is_token(value) for name, _, value in pairs)

    def is_basic(self, authorization: str) -> bool:
        try:
            given = BasicAuth.decode(authorization, "utf-8")
        except ValueError:
            return False
        # Both are compared whatever comes of the first: how long it takes tells nothing.
        return _same(given.login, self._user) & _same(given.password, self._password)

    def _is_token(self, token: str) -> bool:
        until, _, signature = token.partition(".")
        if not _same(signature, self._sign(until)):
            return False
        return int(until) > self._now()

    def _sign(self, until: str) -> str:
        return hmac.new(self._secret, _to_bytes(until), "sha256").hexdigest()


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(_to_bytes(given), _to_bytes(right))


def _to_bytes(text: str) -> bytes:
    # aiohttp decodes the bytes of a header that are no UTF-8 as surrogates.
    return text.encode(errors="surrogateescape")
