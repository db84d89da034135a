import asyncio
import base64
import unittest

from deskgate.client import Client
from deskgate.guesses import AT_ONCE
from deskgate.http_messages import Reply, Request
from deskgate.pages import Page
from deskgate.routes import Routes
from deskgate.settings import read_settings
from deskgate.sign_in import SignIn

NAMES = ("index.html", "login.html", "login.css", "login.js", "icon.svg", "starting.html", "desktop.js")
PAGES = {name: Page(name.encode(), b"packed", "text/html", '"tag"', "default-src 'self'") for name in NAMES}
SOMEBODY = Client("203.0.113.9", "desk.example", secure=True)
BASIC = {"authorization": "Basic " + base64.b64encode(b"abc:secret").decode()}
UPGRADE = {"upgrade": "websocket"}


class Asking(unittest.TestCase):
    def setUp(self):
        self.up = True
        self.use({})

    def use(self, env):
        sign_in = SignIn(b"k" * 32, "abc", "secret", lambda: 1000.0)
        self.routes = Routes(read_settings(env), sign_in, PAGES, lambda: self.up)

    def ask(self, path, method="GET", body=b"", client=SOMEBODY, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self.routes.answer(Request(method, path, named, body, True), client))

    def cookie(self):
        reply = self.ask("/login", "POST", b"password=secret")
        return reply.headers["Set-Cookie"].split(";")[0]


class Strangers(Asking):
    def test_get_the_form_and_what_it_needs_and_nothing_else(self):
        for path in ("/login", "/login.css", "/login.js", "/icon.svg", "/healthz"):
            self.assertEqual(self.ask(path).status, 200, path)
        self.assertEqual(self.ask("/").headers["Location"], "/login")
        for path in ("/index.html", "/desktop.js", "/login.html", "/nothing", "/../deskgate/routes.py"):
            self.assertEqual(self.ask(path).status, 302, path)
            self.assertEqual(self.ask(path, accept="*/*").status, 401, path)
        self.assertEqual(self.ask("/vnc", **UPGRADE).status, 401)

    def test_are_not_challenged_unless_they_tried_basic(self):
        self.assertNotIn("WWW-Authenticate", self.ask("/desktop.js", accept="*/*").headers)
        self.assertIn("WWW-Authenticate", self.ask("/", authorization="Basic eDp5").headers)


class SignedIn(Asking):
    def test_by_cookie_see_the_desktop(self):
        cookie = self.cookie()
        self.assertEqual(self.ask("/", cookie=cookie).body, b"index.html")
        self.assertEqual(self.ask("/vnc", cookie=cookie, origin="https://desk.example", **UPGRADE), "vnc")
        self.assertEqual(self.ask("/audio", cookie=cookie, **UPGRADE), "audio")
        self.assertEqual(self.ask("/shell", cookie=cookie, **UPGRADE).status, 404)

    def test_by_basic_too(self):
        self.assertEqual(self.ask("/", **BASIC).status, 200)

    def test_get_a_cookie_that_only_this_address_sees_and_only_over_https_where_there_is_https(self):
        flags = self.ask("/login", "POST", b"password=secret").headers["Set-Cookie"]
        for flag in ("HttpOnly", "SameSite=Lax", "Path=/;", "Secure"):
            self.assertIn(flag, flags)
        plain = self.ask("/login", "POST", b"password=secret", Client("203.0.113.9", "desk.example", secure=False))
        self.assertNotIn("Secure", plain.headers["Set-Cookie"])

    def test_are_not_served_by_pages_of_other_sites(self):
        cookie = self.cookie()
        self.assertEqual(self.ask("/vnc", cookie=cookie, origin="https://evil.example", **UPGRADE).status, 403)
        self.assertEqual(self.ask("/login", "POST", b"password=secret", origin="https://evil.example").status, 403)
        self.assertEqual(self.ask("/login", "POST", b"password=secret", origin="null").status, 403)


class Guessing(Asking):
    def guess(self, count, path, **how):
        return [self.ask(path, **how) for _ in range(count)]

    def test_by_basic_is_held_up_for_all_ways_in(self):
        self.guess(AT_ONCE, "/", authorization="Basic eDp5")
        self.assertEqual(self.ask("/", **BASIC).status, 429)
        self.assertGreater(int(self.ask("/", **BASIC).headers["Retry-After"]), 0)
        self.assertIn("/login?wait=", self.ask("/login", "POST", b"password=secret").headers["Location"])

    def test_does_not_hold_up_who_comes_from_elsewhere_or_is_signed_in(self):
        cookie = self.cookie()
        self.guess(AT_ONCE, "/", authorization="Basic eDp5")
        self.assertEqual(self.ask("/", cookie=cookie).status, 200)
        self.assertEqual(self.ask("/", client=Client("203.0.113.10", "desk.example", True), **BASIC).status, 200)

    def test_in_the_form_leads_back_to_it(self):
        self.assertEqual(self.ask("/login", "POST", b"password=no").headers["Location"], "/login?wrong")


class Starting(Asking):
    def test_is_said_with_503_until_somebody_would_see_a_desktop(self):
        self.up = False
        self.assertEqual(self.ask("/").status, 503)
        self.assertEqual(self.ask("/", **BASIC).status, 503)
        self.assertEqual(self.ask("/healthz").status, 503)
        self.assertEqual(self.ask("/login").status, 200)
        self.up = True
        self.assertEqual(self.ask("/").status, 302)


class Below(Asking):
    def test_a_path_everything_is_under_it(self):
        self.use({"SUBFOLDER": "/vm/x"})
        self.assertEqual(self.ask("/vm/x").headers["Location"], "/vm/x/")
        self.assertEqual(self.ask("/vm/x/").headers["Location"], "/vm/x/login")
        self.assertEqual(self.ask("/").status, 404)
        self.assertIn("Path=/vm/x/;", self.ask("/vm/x/login", "POST", b"password=secret").headers["Set-Cookie"])

    def test_other_methods_are_refused(self):
        self.assertIsInstance(self.ask("/", "DELETE"), Reply)
        self.assertEqual(self.ask("/", "DELETE").status, 405)


if __name__ == "__main__":
    unittest.main()
