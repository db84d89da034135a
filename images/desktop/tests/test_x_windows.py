import struct
import unittest

from desktop_server.x_windows import encode_intern_atom, root_of


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
