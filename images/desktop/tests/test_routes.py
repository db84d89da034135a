import asyncio
import base64
import unittest

from desktop_server import routes
from desktop_server.guesses import AT_ONCE

from .serving import PASSWORD, SOMEBODY, Serving

BASIC = {"Authorization": "Basic " + base64.b64encode(f"abc:{PASSWORD}".encode()).decode()}
WRONG_BASIC = {"Authorization": "Basic eDp5"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
NOWHERE = (
    "/nothing",
    "/index.html",
    "/../desktop_server/routes.py",
    "/%2e%2e/desktop_server/routes.py",
    "//etc/passwd",
    "/%00",
    "/%ff",
)
RIGHT_FORM = {"password": PASSWORD}


class Strangers(Serving):
    async def test_get_the_form_and_what_it_needs_and_nothing_else(self):
        for path in ("/login", "/login.css", "/login.js", "/icon.svg", "/healthz"):
            self.assertEqual((await self.ask(path)).status, 200, path)
        self.assertEqual((await self.ask("/")).headers["Location"], "/login")
        for path in ("/desktop.js", "/login.css/../desktop.js", "//desktop.js", *NOWHERE):
            self.assertEqual((await self.ask(path)).status, 302, path)
            self.assertEqual((await self.ask(path, headers={"Accept": "*/*"})).status, 401, path)
        for path in ("/vnc", "/audio"):
            self.assertEqual((await self.ask(path, headers=UPGRADE)).status, 401, path)

    async def test_are_not_challenged_unless_they_tried_basic(self):
        self.assertNotIn("WWW-Authenticate", (await self.ask("/desktop.js", headers={"Accept": "*/*"})).headers)
        self.assertIn("WWW-Authenticate", (await self.ask("/", headers=WRONG_BASIC)).headers)

    async def test_are_not_let_in_by_headers_that_are_no_text(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.client.port)
        for header in (b"Cookie: desk_x=\xff", b"Authorization: Basic \xff", b"Authorization: \xff"):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n" + header + b"\r\n\r\n")
            self.assertIn(b" 401 ", await reader.readline())
            await reader.readuntil(b"sign in first\n")
        writer.close()

    async def test_cannot_use_other_methods(self):
        self.assertEqual((await self.ask("/", "DELETE")).status, 405)
        self.assertEqual((await self.ask("/desktop.js", "POST")).status, 405)


class SignedIn(Serving):
    async def test_by_cookie_see_the_desktop(self):
        cookie = await self.sign_in()
        self.assertIn("<title>Desk</title>", await (await self.ask("/", headers=cookie)).text())
        self.assertEqual((await self.ask("/desktop.js", headers=cookie)).status, 200)
        self.assertEqual((await self.ask("/shell", headers={**cookie, **UPGRADE})).status, 404)
        beside_others = {"Cookie": f'other="[}}; {cookie["Cookie"]}'}
        self.assertEqual((await self.ask("/", headers=beside_others)).status, 200)

    async def test_by_cookie_open_the_sockets(self):
        cookie = await self.sign_in()
        for path, headers in (("/vnc", {"Origin": "https://desk.example"}), ("/audio", {})):
            asked = {**SOMEBODY, **cookie, **headers}
            async with self.client.ws_connect(path, headers=asked) as socket:
                await socket.receive()

    async def test_by_basic_too(self):
        self.assertEqual((await self.ask("/", headers=BASIC)).status, 200)

    async def test_get_a_cookie_that_only_this_address_sees_and_only_over_https_where_there_is_https(self):
        flags = (await self.ask("/login", "POST", data=RIGHT_FORM)).headers["Set-Cookie"]
        for flag in ("HttpOnly", "SameSite=Lax", "Path=/;", "Secure", "Max-Age="):
            self.assertIn(flag, flags)
        plain = await self.ask("/login", "POST", data=RIGHT_FORM, headers={"X-Forwarded-Proto": "http"})
        self.assertNotIn("Secure", plain.headers["Set-Cookie"])

    async def test_are_not_served_by_pages_of_other_sites(self):
        cookie = await self.sign_in()
        for origin in ("https://evil.example", "null", "https://["):
            elsewhere = {**cookie, "Origin": origin}
            self.assertEqual((await self.ask("/vnc", headers={**elsewhere, **UPGRADE})).status, 403, origin)
            self.assertEqual((await self.ask("/login", "POST", data=RIGHT_FORM, headers=elsewhere)).status, 403, origin)

    async def test_get_nothing_that_is_not_the_desktops(self):
        cookie = await self.sign_in()
        for path in NOWHERE:
            self.assertEqual((await self.ask(path, headers=cookie)).status, 404, path)

    async def test_are_not_sent_twice_what_they_have(self):
        cookie = await self.sign_in()
        for encoding in ("gzip", "identity"):
            asked = {**cookie, "Accept-Encoding": encoding}
            first = await self.ask("/desktop.js", headers=asked)
            self.assertEqual((first.status, first.headers["Cache-Control"]), (200, "no-cache"))
            self.assertEqual(first.headers.get("Content-Encoding", "identity"), encoding)
            self.assertIn(b"new Connection", await first.read())
            # Of another version, also when that has the same size: the time in it is that of the build.
            self.assertRegex(first.headers["ETag"], "^\"[1-9a-f][0-9a-f]{14,}-[0-9a-f]+\"$")
            again = await self.ask("/desktop.js", headers={**asked, "If-None-Match": first.headers["ETag"]})
            self.assertEqual((again.status, await again.read()), (304, b""))

    async def test_get_no_body_for_head(self):
        head = await self.ask("/", "HEAD", headers=BASIC)
        self.assertEqual((head.status, await head.read()), (200, b""))
        self.assertGreater(int(head.headers["Content-Length"]), 0)


class Replies(Serving):
    async def test_forbid_other_origins_sniffing_and_keeping(self):
        for path in ("/", "/login", "/login.css", "/healthz", "/nothing"):
            headers = (await self.ask(path)).headers
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff", path)
            self.assertEqual(headers["Referrer-Policy"], "same-origin", path)
            self.assertTrue(headers["Content-Security-Policy"].startswith("default-src 'self';"), path)
            self.assertEqual(headers["Cache-Control"], "no-cache" if path == "/login.css" else "no-store", path)
            self.assertNotIn("Server", headers)


class Forms(Serving):
    async def test_that_are_too_large_are_refused(self):
        self.assertEqual((await self.ask("/login", "POST", data={"password": "x" * 8192})).status, 413)

    async def test_that_come_too_slowly_are_refused(self):
        self.addCleanup(setattr, routes, "BODY_SECONDS", routes.BODY_SECONDS)
        routes.BODY_SECONDS = 0.1
        reader, writer = await asyncio.open_connection("127.0.0.1", self.client.port)
        writer.write(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npass")
        self.assertIn(b" 408 ", await asyncio.wait_for(reader.readline(), 5))
        writer.close()


class Guessing(Serving):
    async def guess(self, count):
        for _ in range(count):
            await self.ask("/", headers=WRONG_BASIC)

    async def test_by_basic_is_held_up_for_all_ways_in(self):
        await self.guess(AT_ONCE)
        held_up = await self.ask("/", headers=BASIC)
        self.assertEqual(held_up.status, 429)
        self.assertGreater(int(held_up.headers["Retry-After"]), 0)
        self.assertIn("/login?wait=", (await self.ask("/login", "POST", data=RIGHT_FORM)).headers["Location"])

    async def test_does_not_hold_up_who_comes_from_elsewhere_or_is_signed_in(self):
        cookie = await self.sign_in()
        await self.guess(AT_ONCE)
        self.assertEqual((await self.ask("/", headers=cookie)).status, 200)
        self.assertEqual((await self.ask("/", headers={**BASIC, "X-Forwarded-For": "203.0.113.10"})).status, 200)

    async def test_in_the_form_leads_back_to_it(self):
        answer = await self.ask("/login", "POST", data={"password": "no"})
        self.assertEqual(answer.headers["Location"], "/login?wrong")


class Starting(Serving):
    async def test_is_said_with_503_until_somebody_would_see_a_desktop(self):
        self.up = False
        starting = await self.ask("/")
        self.assertEqual((starting.status, starting.headers["Retry-After"]), (503, "1"))
        self.assertIn("Starting the desktop", await starting.text())
        self.assertEqual((await self.ask("/", headers=BASIC)).status, 503)
        self.assertEqual((await self.ask("/healthz")).status, 503)
        self.assertEqual((await self.ask("/login")).status, 200)
        self.up = True
        self.assertEqual((await self.ask("/")).status, 302)


class BelowAPath(Serving):
    env = {"SUBFOLDER": "/vm/x"}

    async def test_everything_is_under_it(self):
        self.assertEqual((await self.ask("/vm/x")).headers["Location"], "/vm/x/")
        self.assertEqual((await self.ask("/vm/x/")).headers["Location"], "/vm/x/login")
        for path in ("/", "/desktop.js", "/login", "/vm/xy"):
            self.assertEqual((await self.ask(path)).status, 404, path)
        for path in ("/healthz", "/vm/x/healthz", "/vm/x/login.css"):
            self.assertEqual((await self.ask(path)).status, 200, path)
        signed_in = await self.ask("/vm/x/login", "POST", data=RIGHT_FORM)
        self.assertIn("Path=/vm/x/;", signed_in.headers["Set-Cookie"] + ";")
        self.assertEqual((await self.ask("/vm/x/desktop.js", headers=await self.sign_in())).status, 200)


class WithoutSignIn(Serving):
    env = {"NO_AUTH": "true"}

    async def test_everyone_sees_the_desktop(self):
        self.assertEqual((await self.ask("/")).status, 200)


if __name__ == "__main__":
    unittest.main()
