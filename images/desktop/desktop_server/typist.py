"""Types text into X whatever the keyboard's layout is, as input methods and phones need it.

X knows keys, not characters. Xvnc gives an unknown character a free key of its own, but never takes one back: after
about twenty there are none, and the first one of each is often lost.
"""

import asyncio
import time
import unicodedata
from collections.abc import Iterator

from Xlib import X, Xatom, display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import xtest
from Xlib.protocol import event
from Xlib.xobject.drawable import Window

# Keycodes of keys that no keyboard here has. Those below are modifiers, or the keys of a usual keyboard.
FIRST_KEYCODE, LAST_KEYCODE = 208, 255
# The meaning of a key without one: Xvnc takes the keys that have none at all.
VOID_SYMBOL = 0xFFFFFF
# How long a program may take to read its keys. One that cannot be asked gets the shorter time.
MOST_WAIT_SECONDS, PAUSE_SECONDS = 5.0, 0.3


class Keys:
    """Which character each of the free keys has; the ones used last are kept longest."""

    def __init__(self, first: int, last: int) -> None:
        # By character, the one used last at the end. Characters that nobody types stand for keys without one.
        self._codes = {f"free {code}": code for code in range(first, last + 1)}

    def __len__(self) -> int:
        return len(self._codes)

    def hold(self, characters: str) -> bool:
        """Gives each a key. True if that changed what some key means."""
        missing = [each for each in dict.fromkeys(characters) if each not in self._codes]
        for each in characters:
            if each in self._codes:
                self._codes[each] = self._codes.pop(each)
        for each in missing:
            oldest = next(iter(self._codes))
            self._codes[each] = self._codes.pop(oldest)
        return bool(missing)

    def code_of(self, character: str) -> int:
        return self._codes[character]

    def to_keysyms(self) -> list[tuple[int, int]]:
        """For each key in order, without and with Shift."""
        by_code = {code: to_keysym(character) for character, code in self._codes.items()}
        return [(by_code[code], by_code[code]) for code in sorted(by_code)]


class Typist:
    def __init__(self, display_name: str) -> None:
        self._display_name = display_name
        self._x: display.Display | None = None
        self._keys = Keys(FIRST_KEYCODE, LAST_KEYCODE)
        self._lock = asyncio.Lock()

    async def reserve(self) -> None:
        """Called for each X server before its session, whose shortcuts would else take some of the keys."""
        async with self._lock:
            self._x = None
            await asyncio.to_thread(self._type, "")

    async def type(self, text: str) -> None:
        """Returns once X has the keys. Text is lost where there is no X server, as keys are."""
        async with self._lock:
            await asyncio.to_thread(self._type, text)

    def _type(self, text: str) -> None:
        try:
            x = self._x = self._x or self._connect()
            for number, part in enumerate(split_text(text, len(self._keys))):
                if number > 0:
                    # It looks up what a key means when it reads it: before the key means something else.
                    await_reader(x)
                if self._keys.hold(part):
                    x.change_keyboard_mapping(FIRST_KEYCODE, self._keys.to_keysyms())
                for character in part:
                    for kind in (X.KeyPress, X.KeyRelease):
                        xtest.fake_input(x, kind, self._keys.code_of(character))
                x.sync()
        except (ConnectionClosedError, DisplayError, XError, OSError):
            self._x = None

    def _connect(self) -> display.Display:
        x = display.Display(self._display_name)
        self._keys = Keys(FIRST_KEYCODE, LAST_KEYCODE)
        x.change_keyboard_mapping(FIRST_KEYCODE, self._keys.to_keysyms())
        x.sync()
        return x


def await_reader(x: display.Display) -> None:
    """Returns when the program that has the keyboard has read what came before: it answers pings in their turn."""
    protocols, ping = x.intern_atom("WM_PROTOCOLS"), x.intern_atom("_NET_WM_PING")
    window = find_pinged(x, protocols, ping)
    if window is None:
        return time.sleep(PAUSE_SECONDS)
    root = x.screen().root
    root.change_attributes(event_mask=X.SubstructureNotifyMask)
    # The window manager sends pings too: the number tells ours apart.
    number = time.monotonic_ns() & 0x7FFFFFFF
    data = (32, [ping, number, window.id, 0, 0])
    window.send_event(event.ClientMessage(window=window, client_type=protocols, data=data))
    x.flush()
    until = time.monotonic() + MOST_WAIT_SECONDS
    while time.monotonic() < until:
        if x.pending_events() == 0:
            time.sleep(0.005)
            continue
        answer = x.next_event()
        if answer.type == X.ClientMessage and answer.data[1][1] == number:
            break
    root.change_attributes(event_mask=X.NoEventMask)


def find_pinged(x: display.Display, protocols: int, ping: int) -> Window | None:
    """The window that has the keyboard, or the one around it, that answers pings."""
    window = x.get_input_focus().focus
    while isinstance(window, Window):
        named = window.get_full_property(protocols, Xatom.ATOM)
        if named is not None and ping in named.value:
            return window
        window = window.query_tree().parent
    return None


def split_text(text: str, most: int) -> Iterator[str]:
    """What can be typed of it, in parts that have at most so many different characters."""
    part, seen = "", set[str]()
    for character in filter(is_typed, text):
        if character not in seen and len(seen) == most:
            yield part
            part, seen = "", set()
        part += character
        seen.add(character)
    if part:
        yield part


def is_typed(character: str) -> bool:
    """False for control characters, and for halves of characters."""
    return unicodedata.category(character) not in ("Cc", "Cs")


def to_keysym(character: str) -> int:
    if len(character) != 1:
        return VOID_SYMBOL
    code = ord(character)
    return code if code <= 0xFF else 0x0100_0000 | code
