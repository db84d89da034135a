import asyncio
import os
import struct
import tempfile
import unittest

from deskgate.http_messages import BadRequest, Reply, encode_reply, read_request
from deskgate.pages import answer, load_pages
from deskgate.settings import read_settings
from deskgate.x_windows import encode_intern_atom, root_of


def read(data):
    async def run():
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read_request(reader)

    return asyncio.run(run())


class Settings(unittest.TestCase):
    def test_have_defaults(self):
        settings = read_settings({})
        self.assertEqual((settings.port, settings.prefix, settings.user, settings.no_auth), (3000, "/", "abc", False))

    def test_that_make_no_sense_are_named(self):
        for env in ({"CUSTOM_PORT": "x"}, {"CUSTOM_PORT": "0"}, {"CUSTOM_PORT": "65536"}, {"FPS": "-1"}, {"FPS": "²"}):
            with self.assertRaisesRegex(ValueError, next(iter(env))):
                read_settings(env)

    def test_put_slashes_around_a_subfolder(self):
        for written in ("vm", "/vm", "vm/", "/vm/"):
            self.assertEqual(read_settings({"SUBFOLDER": written}).prefix, "/vm/")


class Requests(unittest.TestCase):
    def test_are_read_with_body_and_decoded_path(self):
        request = read(b"POST /a%20b?c HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\na=1&b=%C3%A9"[:-4] + b"")
        self.assertEqual((request.method, request.path, request.headers["host"], request.keep_alive), ("POST", "/a b", "x", True))
        self.assertEqual(request.body, b"a=1&b=%C")

    def test_that_are_none_or_too_much_are_refused(self):
        for head, status in ((b"nonsense", 400), (b"GET / HTTP/1.1\r\nContent-Length: -1", 400), (b"GET / HTTP/1.1\r\nContent-Length: 9999", 413), (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked", 413)):
            with self.assertRaises(BadRequest) as refused:
                read(head + b"\r\n\r\n")
            self.assertEqual(refused.exception.status, status)


class Replies(unittest.TestCase):
    def test_have_their_length_and_no_body_for_head(self):
        whole, head = (encode_reply(Reply(200, b"hello"), head_only=only) for only in (False, True))
        self.assertTrue(whole.endswith(b"\r\n\r\nhello"))
        self.assertEqual(head, whole[:-5])
        self.assertIn(b"Content-Length: 5", head)


class Pages(unittest.TestCase):
    def test_come_with_title_modules_and_a_policy_of_their_own_scripts(self):
        with tempfile.TemporaryDirectory() as www:
            os.makedirs(f"{www}/novnc")
            for name, text in (("index.html", "<title>{{TITLE}}</title><!--PRELOAD--><script>go()</script>"), ("novnc/a.js", "1")):
                with open(f"{www}/{name}", "w", encoding="utf-8") as file:
                    file.write(text)
            pages = load_pages(www, "A <b>")
        self.assertEqual(sorted(pages), ["index.html", "novnc/a.js"])
        self.assertIn(b'<title>A &lt;b&gt;</title><link rel="modulepreload" href="novnc/a.js">', pages["index.html"].raw)
        self.assertRegex(pages["index.html"].policy, r"script-src 'self' 'sha256-[A-Za-z0-9+/]{43}='$")
        self.assertTrue(pages["novnc/a.js"].policy.endswith("script-src 'self'"))

    def test_are_not_sent_twice_to_who_has_them(self):
        with tempfile.TemporaryDirectory() as www:
            with open(f"{www}/a.js", "w", encoding="utf-8") as file:
                file.write("1")
            page = load_pages(www, "")["a.js"]
        self.assertEqual(answer(page, read(b"GET / HTTP/1.1\r\nIf-None-Match: " + page.tag.encode() + b"\r\n\r\n")).status, 304)
        self.assertEqual(answer(page, read(b"GET / HTTP/1.1\r\n\r\n")).body, b"1")
        self.assertEqual(answer(page, read(b"GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n")).headers["Content-Encoding"], "gzip")


class XProtocol(unittest.TestCase):
    def test_finds_the_root_window_after_vendor_and_formats(self):
        head = struct.pack("<IIIIHHBBBBBBBBI", 0, 0, 0, 0, 5, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0)
        self.assertEqual(root_of(head + b"hello\0\0\0" + bytes(16) + struct.pack("<I", 0x4AB)), 0x4AB)

    def test_pads_a_name_to_whole_words(self):
        request = encode_intern_atom(b"_NET_CLIENT_LIST")
        self.assertEqual(len(request) % 4, 0)
        self.assertEqual(struct.unpack_from("<H", request, 2)[0] * 4, len(request))


if __name__ == "__main__":
    unittest.main()
