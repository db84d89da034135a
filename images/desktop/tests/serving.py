"""A server with the image's own pages, on a port of its own, for tests to ask."""

import dataclasses
import tempfile
import unittest

from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from desktop_server.routes import Routes
from desktop_server.settings import read_settings
from desktop_server.sign_in import SignIn
from desktop_server.typist import Typist

PASSWORD = "secret"
SOMEBODY = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "desk.example", "X-Forwarded-Proto": "https"}


class Serving(unittest.IsolatedAsyncioTestCase):
    env = {}

    async def asyncSetUp(self):
        self.up = True
        run = tempfile.TemporaryDirectory()
        self.addCleanup(run.cleanup)
        self.settings = dataclasses.replace(read_settings(self.env), run=run.name, title="Desk")
        sign_in = SignIn(b"k" * 32, "abc", PASSWORD, lambda: 1000.0)
        self.typist = Typist(":9")
        self.app = Routes(self.settings, sign_in, lambda: self.up, self.typist, proxy="127.0.0.1").create_app()
        self.client = TestClient(TestServer(self.app), cookie_jar=DummyCookieJar())
        await self.client.start_server()
        self.addAsyncCleanup(self.client.close)

    async def ask(self, path, method="GET", **how):
        """The response with its body read; not that of where it redirects."""
        headers = {"Accept": "text/html", **SOMEBODY, **how.pop("headers", {})}
        url = URL(f"http://127.0.0.1:{self.client.port}{path}", encoded=True)
        response = await self.client.session.request(method, url, allow_redirects=False, headers=headers, **how)
        await response.read()
        return response

    async def sign_in(self):
        response = await self.ask(f"{self.settings.prefix}login", "POST", data={"password": PASSWORD})
        return {"Cookie": response.headers["Set-Cookie"].split(";")[0]}
