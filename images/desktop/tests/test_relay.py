import asyncio
import os
import struct
import unittest

from aiohttp import WSCloseCode, WSMsgType

from desktop_server import relay, sound
from desktop_server.typist import Typist

from .serving import Serving


class Relaying(Serving):
    """Between a WebSocket and a server in X's place that sends back what it gets."""

    env = {"NO_AUTH": "true"}

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.connections = []
        self.ended = asyncio.Event()

    async def listen(self, serve=None):
        listener = await asyncio.start_unix_server(serve or self.echo, self.settings.vnc_socket)
        self.addCleanup(listener.close)

    async def echo(self, reader, writer):
        self.connections.append(writer)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        self.ended.set()

    async def open(self, path="/vnc", **how):
        socket = await self.client.ws_connect(path, **how)
        self.addAsyncCleanup(socket.close)
        return socket

    async def test_carries_bytes_of_every_length_both_ways(self):
        await self.listen()
        socket = await self.open(protocols=("binary",))
        self.assertEqual((socket.protocol, socket.compress), ("binary", 0))
        for size in (1, 125, 126, 65535, 65536, 2_000_001):
            data, back = os.urandom(size), b""
            await socket.send_bytes(data)
            while len(back) < size:
                back += await socket.receive_bytes(timeout=10)
            self.assertEqual(back, data)

    async def test_ends_the_connection_behind_it_when_the_browser_leaves(self):
        await self.listen()
        for leave in (lambda socket: socket.close(), lambda socket: socket._response.connection.transport.abort()):
            self.ended.clear()
            socket = await self.open()
            await socket.send_bytes(b"x")
            await socket.receive_bytes(timeout=10)
            result = leave(socket)
            if result is not None:
                await result
            await asyncio.wait_for(self.ended.wait(), 10)

    async def test_says_so_when_the_picture_ends(self):
        await self.listen()
        socket = await self.open()
        await socket.send_bytes(b"x")
        await socket.receive_bytes(timeout=10)
        self.connections[0].close()
        self.assertEqual((await socket.receive(timeout=10)).type, WSMsgType.CLOSE)
        self.assertEqual(socket.close_code, WSCloseCode.GOING_AWAY)

    async def test_says_so_when_there_is_no_picture_or_no_sound(self):
        for path, code in (("/vnc", WSCloseCode.TRY_AGAIN_LATER), ("/audio", WSCloseCode.INTERNAL_ERROR)):
            self.replace(sound, PAREC=("no-such-program",))
            message = await (await self.open(path)).receive(timeout=10)
            self.assertEqual((message.type, message.data), (WSMsgType.CLOSE, code))

    async def test_carries_sound_but_no_silence(self):
        tone, silence = b"\x01" * sound.FRAME_BYTES, sound.SILENCE
        for path, size in (("/audio", sound.FRAME_BYTES), ("/audio?codec=opus", 1000)):
            script = f"cat /dev/zero | head -c {200 * len(silence)}; yes '' | tr '\\n' '\\1' | head -c {len(tone)}"
            self.replace(sound, PAREC=("sh", "-c", f"{script}; head -c {100 * len(silence)} /dev/zero"))
            socket = await self.open(path)
            sizes = []
            while (message := await socket.receive(timeout=10)).type == WSMsgType.BINARY:
                sizes.append(len(message.data))
            self.assertEqual(len(sizes), 1 + sound.SILENT_FRAMES)
            self.assertLessEqual(max(sizes), size)

    async def test_pings_and_ends_a_browser_that_answers_nothing(self):
        self.replace(relay, PING_SECONDS=0.1, SILENCE_SECONDS=1.5, CLOSE_SECONDS=0.1)
        await self.listen()
        # Only while it waits for a message, this client answers pings.
        answering = asyncio.create_task(self.receive_picture(await self.open()))
        silent = await self.open(autoping=False)
        self.assertEqual((await silent.receive(timeout=10)).type, WSMsgType.PING)
        await asyncio.wait_for(self.ended.wait(), 10)
        while (message := await silent.receive(timeout=10)).type == WSMsgType.PING:
            pass
        self.assertIn(message.type, (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR))
        self.assertFalse(answering.done())
        self.connections[0].write(b"x")
        self.assertEqual(await asyncio.wait_for(answering, 10), b"x")

    async def receive_picture(self, socket):
        """The next message that is not about anything else."""
        while (message := await socket.receive()).type == WSMsgType.TEXT:
            pass
        return message.data

    async def test_says_how_many_browsers_show_the_picture_when_that_changes(self):
        await self.listen()
        first = await self.open()
        second = await self.open()
        self.assertEqual(await first.receive_json(timeout=10), {"browsers": 2})
        await second.close()
        self.assertEqual(await first.receive_json(timeout=10), {"browsers": 1})

    async def test_types_text_before_the_keys_that_follow_it(self):
        happened = []

        async def type_slowly(_typist, text):
            await asyncio.sleep(0.1)
            happened.append(text)

        async def read(reader, _writer):
            while data := await reader.read(100):
                happened.append(data)
                self.ended.set()

        self.addCleanup(setattr, Typist, "type", Typist.type)
        Typist.type = type_slowly
        await self.listen(read)
        socket = await self.open()
        for message in ('{"text": "日本"}', '{"text": 1}', "[]", "no JSON"):
            await socket.send_str(message)
        await socket.send_bytes(b"keys")
        await asyncio.wait_for(self.ended.wait(), 10)
        self.assertEqual(happened, ["日本", b"keys"])

    async def test_refuses_messages_that_no_browser_sends(self):
        await self.listen()
        socket = await self.open()
        # The head of a frame alone: nothing of what it announces is waited for.
        head = bytes([0x82, 0xFF]) + struct.pack("!Q", relay.MOST_MESSAGE_BYTES + 1) + bytes(4)
        socket._response.connection.transport.write(head)
        self.assertEqual((await socket.receive(timeout=10)).data, WSCloseCode.MESSAGE_TOO_BIG)

    async def test_slows_the_picture_down_for_a_browser_that_reads_slowly(self):
        sent = 0
        stalled = asyncio.Event()

        async def flood(_reader, writer):
            nonlocal sent
            try:
                while True:
                    writer.write(bytes(65536))
                    await asyncio.wait_for(writer.drain(), 1)
                    sent += 65536
            except asyncio.TimeoutError:
                stalled.set()
                writer.close()

        await self.listen(flood)
        await self.open()
        await asyncio.wait_for(stalled.wait(), 20)
        self.assertLess(sent, 32 << 20)

    async def test_lets_go_of_a_browser_that_reads_nothing_and_says_nothing(self):
        self.replace(relay, SILENCE_SECONDS=0.5, CLOSE_SECONDS=0.1)

        async def flood(_reader, writer):
            try:
                while True:
                    writer.write(bytes(65536))
                    await writer.drain()
            except ConnectionError:
                self.ended.set()

        await self.listen(flood)
        socket = await self.open()
        socket._response.connection.transport.pause_reading()
        await asyncio.wait_for(self.ended.wait(), 10)
        async with asyncio.timeout(10):
            while self.client.server.handler.connections:
                await asyncio.sleep(0.01)

    def replace(self, module, **values):
        for name, value in values.items():
            self.addCleanup(setattr, module, name, getattr(module, name))
            setattr(module, name, value)


if __name__ == "__main__":
    unittest.main()
