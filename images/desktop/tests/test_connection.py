import asyncio
import logging
import unittest

from aiohttp import web

from desktop_server.connection import MOST_HEADER_BYTES, Connection, is_worth_logging

IDLE_SECONDS = 0.5
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Connections(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        app = web.Application()
        app.router.add_get("/", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        self.addAsyncCleanup(runner.cleanup)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Connection(runner.server, IDLE_SECONDS), "127.0.0.1", 0)
        self.addCleanup(listener.close)
        self.port = listener.sockets[0].getsockname()[1]

    async def answer(self, _request):
        await asyncio.sleep(2 * IDLE_SECONDS)
        return web.Response(text="answered")

    async def exchange(self, data):
        """All that the server sends until it closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.addCleanup(writer.close)
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 10)

    async def test_end_when_no_request_comes(self):
        for data in (b"", REQUEST[:-2], b"GET"):
            self.assertEqual(await self.exchange(data), b"")

    async def test_last_while_a_request_is_answered_and_then_end(self):
        self.assertTrue((await self.exchange(REQUEST)).endswith(b"answered"))

    async def test_end_in_the_middle_of_a_later_request(self):
        self.assertEqual((await self.exchange(REQUEST + REQUEST[:-2])).count(b"answered"), 1)

    async def test_take_large_headers_and_refuse_larger_ones_and_too_many(self):
        def large(size):
            return b"Cookie: " + b"x" * size + b"\r\n"

        logging.getLogger("aiohttp.server").addFilter(is_worth_logging)
        for header, status in (
            (large(MOST_HEADER_BYTES - 100), b" 200 "),
            (large(2 * MOST_HEADER_BYTES), b" 400 "),
            (200 * b"a: b\r\n", b" 400 "),
        ):
            self.assertIn(status, (await self.exchange(REQUEST[:-2] + header + b"\r\n"))[:20])

    async def test_that_speak_no_http_fill_no_log(self):
        logger = logging.getLogger("aiohttp.server")
        logger.addFilter(is_worth_logging)
        with self.assertNoLogs(logger):
            self.assertIn(b" 400 ", await self.exchange(b"\x16\x03\x01\x02\r\n\r\n"))


if __name__ == "__main__":
    unittest.main()
