"""Leaves out of a viewer's stream whatever would change the desktop: keys, pointer, clipboard and size.

The stream is RFB 3.7 or 3.8 (RFC 6143), with the extensions that TigerVNC and noVNC share.
"""

import struct
from collections.abc import Generator

VERSIONS = (b"RFB 003.007\n", b"RFB 003.008\n")
NO_SECURITY = b"\x01"
SHARED = b"\x01"

SET_PIXEL_FORMAT, SET_ENCODINGS, UPDATE_REQUEST, KEY, POINTER, CUT_TEXT = 0, 2, 3, 4, 5, 6
CONTINUOUS_UPDATES, FENCE, XVP, DESKTOP_SIZE, QEMU = 150, 248, 250, 251, 255
# With their whole length.
PASSED = {SET_PIXEL_FORMAT: 20, UPDATE_REQUEST: 10, CONTINUOUS_UPDATES: 10}
DROPPED = {KEY: 8, POINTER: 6, XVP: 4}
QEMU_KEY, QEMU_KEY_BYTES = 0, 12

MOST_ENCODINGS = 1024
EXTENDED_CLIPBOARD = 0xC0A1E5CE
# It would make messages of the pointer longer.
EXTENDED_BUTTONS = 0xFFFFFFFF - 316 + 1
# "Announce texts, and send none": a viewer does not see the clipboard of those who work at the desktop.
CLIPBOARD_CAPS, CLIPBOARD_NOTIFY, CLIPBOARD_TEXT = 1 << 24, 1 << 27, 1
NO_CLIPBOARD = struct.pack(">BxxxiII", CUT_TEXT, -8, CLIPBOARD_CAPS | CLIPBOARD_NOTIFY | CLIPBOARD_TEXT, 0)


# Yields how many bytes it needs next, and gets them.
Steps = Generator[int, bytes, None]


class ViewerFilter:
    """Takes a viewer's bytes in pieces of any length. Raises ValueError at what it does not know: how long that is, and
    so what comes after it, cannot be told."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0
        self._passed: list[bytes] = []
        self._steps = self._read()
        self._wanted = next(self._steps)

    def feed(self, data: bytes) -> bytes:
        """What of it goes on to the desktop."""
        self._held += data
        while True:
            skipped = min(self._skip, len(self._held))
            del self._held[:skipped]
            self._skip -= skipped
            if self._skip > 0 or len(self._held) < self._wanted:
                break
            piece = bytes(self._held[: self._wanted])
            del self._held[: self._wanted]
            self._wanted = self._steps.send(piece)
        passed = b"".join(self._passed)
        self._passed.clear()
        return passed

    def _read(self) -> Steps:
        version = yield 12
        if version not in VERSIONS:
            raise ValueError("the viewer speaks another version")
        # Each part at once: the desktop answers it before the viewer sends the next.
        self._passed.append(version)
        security = yield 1
        if security != NO_SECURITY:
            raise ValueError("the viewer asks for a security type that was not offered")
        self._passed.append(security)
        yield 1
        # A client that is not shared would disconnect the others.
        self._passed.append(SHARED)
        while True:
            kind = (yield 1)[0]
            if kind in PASSED:
                self._passed.append(bytes([kind]) + (yield PASSED[kind] - 1))
            elif kind in DROPPED:
                self._skip = DROPPED[kind] - 1
            elif kind == SET_ENCODINGS:
                yield from self._read_encodings()
            elif kind == FENCE:
                head = yield 8
                self._passed.append(bytes([kind]) + head + (yield head[7]))
            elif kind == CUT_TEXT:
                (length,) = struct.unpack(">xxxi", (yield 7))
                self._skip = abs(length)
            elif kind == DESKTOP_SIZE:
                self._skip = 16 * (yield 7)[5]
            elif kind == QEMU and (yield 1)[0] == QEMU_KEY:
                self._skip = QEMU_KEY_BYTES - 2
            else:
                raise ValueError(f"the viewer sends a message of the unknown kind {kind}")

    def _read_encodings(self) -> Steps:
        (count,) = struct.unpack(">xH", (yield 3))
        if count > MOST_ENCODINGS:
            raise ValueError("the viewer names too many encodings")
        named = struct.unpack(f">{count}I", (yield 4 * count))
        kept = [each for each in named if each not in (EXTENDED_BUTTONS, EXTENDED_CLIPBOARD)]
        encodings = [*kept, EXTENDED_CLIPBOARD]
        self._passed.append(struct.pack(f">BxH{len(encodings)}I", SET_ENCODINGS, len(encodings), *encodings))
        self._passed.append(NO_CLIPBOARD)
