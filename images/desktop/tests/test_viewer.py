import asyncio
import struct
import unittest

from desktop_server.viewer import EXTENDED_BUTTONS, EXTENDED_CLIPBOARD, NO_CLIPBOARD, ViewerFilter

from .serving import Serving

HELLO = b"RFB 003.008\n\x01"
VIEWER = {"X-Swiftor-Access": "view"}

SET_PIXEL_FORMAT = b"\x00" + bytes(19)
UPDATE = b"\x03\x00" + struct.pack(">HHHH", 0, 0, 800, 600)
CONTINUOUS = b"\x96\x01" + struct.pack(">HHHH", 0, 0, 800, 600)
FENCE = b"\xf8\x00\x00\x00" + struct.pack(">IB", 1, 5) + b"12345"
LOOKS = (SET_PIXEL_FORMAT, UPDATE, CONTINUOUS, FENCE)

KEY = b"\x04\x01\x00\x00" + struct.pack(">I", 0xFF0D)
POINTER = b"\x05\x01" + struct.pack(">HH", 10, 10)
CUT = b"\x06\x00\x00\x00" + struct.pack(">i", 6) + b"\x04\x01\x00\x00ab"
EXTENDED_CUT = b"\x06\x00\x00\x00" + struct.pack(">i", -8) + b"\x10\x00\x00\x01abcd"
RESIZE = b"\xfb\x00" + struct.pack(">HHBB", 640, 480, 2, 0) + bytes(32)
QEMU_KEY = b"\xff\x00" + struct.pack(">HII", 1, 0xFF0D, 28)
XVP = b"\xfa\x00\x01\x02"
TOUCHES = (KEY, POINTER, CUT, EXTENDED_CUT, RESIZE, QEMU_KEY, XVP)


def encodings(*named: int) -> bytes:
    return struct.pack(f">BxH{len(named)}I", 2, len(named), *named)


class Filter(unittest.TestCase):
    def test_passes_what_only_looks_and_drops_what_touches_in_pieces_of_any_length(self):
        stream = HELLO + b"\x00" + b"".join(touch + look for touch in TOUCHES for look in LOOKS) + KEY
        expected = HELLO + b"\x01" + b"".join(LOOKS) * len(TOUCHES)
        for size in (1, 2, 3, 7, 64, len(stream)):
            viewer = ViewerFilter()
            pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
            self.assertEqual(b"".join(map(viewer.feed, pieces)), expected)

    def test_passes_each_part_of_the_handshake_at_once(self):
        viewer = ViewerFilter()
        parts = (HELLO[:12], b"\x01", b"\x00")
        self.assertEqual([viewer.feed(part) for part in parts], [HELLO[:12], b"\x01", b"\x01"])

    def test_asks_for_no_clipboard_whatever_the_viewer_says(self):
        asked = encodings(0, 7, EXTENDED_CLIPBOARD)
        for named in ((0, 7), (0, EXTENDED_BUTTONS, 7), (0, EXTENDED_CLIPBOARD, 7)):
            viewer = ViewerFilter()
            viewer.feed(HELLO + b"\x01")
            self.assertEqual(viewer.feed(encodings(*named)), asked + NO_CLIPBOARD)

    def test_holds_no_more_of_a_long_clipboard_than_it_gets_at_once(self):
        viewer = ViewerFilter()
        viewer.feed(HELLO + b"\x01" + b"\x06\x00\x00\x00" + struct.pack(">i", 1 << 30))
        for _ in range(100):
            self.assertEqual(viewer.feed(bytes(65536)), b"")
            self.assertEqual(len(viewer._held), 0)

    def test_refuses_what_it_does_not_know(self):
        for stream in (
            b"RFB 003.003\n",
            b"GET / HTTP/1",
            b"RFB 003.008\n\x02",
            HELLO + b"\x01\x07",
            HELLO + b"\x01\xfd",
            HELLO + b"\x01\xff\x01",
            HELLO + b"\x01" + struct.pack(">BxH", 2, 65535),
        ):
            with self.assertRaises(ValueError):
                ViewerFilter().feed(stream)


class Viewing(Serving):
    env = {"NO_AUTH": "true"}

    async def test_every_answer_to_a_viewer_says_that_it_knows(self):
        for path in ("/", "/login", "/desktop.js", "/healthz", "/nothing"):
            self.assertEqual((await self.ask(path, headers=VIEWER)).headers.get("X-Swiftor-Access"), "view")
            self.assertNotIn("X-Swiftor-Access", (await self.ask(path)).headers)

    async def test_a_viewer_gets_the_page_of_one_and_may_send_nothing(self):
        self.assertIn(b'<body data-access="view">', await (await self.ask("/", headers=VIEWER)).read())
        self.assertNotIn(b"data-access", await (await self.ask("/")).read())
        self.assertEqual((await self.ask("/login", "POST", headers=VIEWER)).status, 403)

    async def test_a_viewers_keys_do_not_reach_the_desktop(self):
        got = bytearray()
        ended = asyncio.Event()

        async def note(reader, writer):
            while data := await reader.read(65536):
                got.extend(data)
            writer.close()
            ended.set()

        listener = await asyncio.start_unix_server(note, self.settings.vnc_socket)
        self.addCleanup(listener.close)
        socket = await self.client.ws_connect("/vnc", headers=VIEWER)
        self.assertEqual(socket._response.headers["X-Swiftor-Access"], "view")
        typed = []
        self.typist.type = typed.append
        await socket.send_json({"text": "ä"})
        for piece in (HELLO, b"\x00" + KEY, POINTER + UPDATE):
            await socket.send_bytes(piece)
        # Not RFB: it ends the connection, after all before it was carried.
        await socket.send_bytes(b"\x07")
        await asyncio.wait_for(ended.wait(), 10)
        self.assertEqual((bytes(got), typed), (HELLO + b"\x01" + UPDATE, []))


if __name__ == "__main__":
    unittest.main()
