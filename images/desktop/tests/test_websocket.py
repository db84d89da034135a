import asyncio
import os
import struct
import unittest

from deskgate import websocket


def masked(opcode, data, mask=b"\x01\x02\x03\x04"):
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack("!H", size) if size < 65536 else bytes([0xFF]) + struct.pack("!Q", size)
    return bytes([0x80 | opcode]) + length + mask + websocket.unmask(data, mask)


def read(data):
    async def run():
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await websocket.read_frame(reader)

    return asyncio.run(run())


class Frames(unittest.TestCase):
    def test_of_every_length_arrive_whole(self):
        for size in (0, 1, 125, 126, 65535, 65536, 200_001):
            data = os.urandom(size)
            self.assertEqual(read(masked(websocket.BINARY, data)), (websocket.BINARY, data))

    def test_are_sent_without_a_mask_and_with_the_shortest_length(self):
        for size, head in ((5, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)):
            frame = websocket.encode_frame(websocket.BINARY, b"x" * size)
            self.assertEqual(len(frame), head + size)
            self.assertEqual(frame[1] & 128, 0)

    def test_that_no_browser_sends_are_refused(self):
        too_long = bytes([0x82, 0xFF]) + struct.pack("!Q", websocket.MOST_FRAME_BYTES + 1)
        for data in (bytes([0x82, 1]) + b"x", too_long):
            with self.assertRaises(websocket.ProtocolError):
                read(data)

    def test_that_end_early_say_so(self):
        with self.assertRaises(asyncio.IncompleteReadError):
            read(masked(websocket.BINARY, b"hello")[:-1])

    def test_unmasking_twice_gives_what_was(self):
        for size in range(9):
            data = os.urandom(size)
            self.assertEqual(websocket.unmask(websocket.unmask(data, b"\x00\xff\x10\x20"), b"\x00\xff\x10\x20"), data)


if __name__ == "__main__":
    unittest.main()
