"""The browsers that show the picture."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Audience:
    """Counts them. A number that nobody has read yet is replaced by the next one."""

    def __init__(self) -> None:
        self._size = 0
        self._changed = asyncio.Event()

    @property
    def size(self) -> int:
        return self._size

    @contextmanager
    def join(self) -> Iterator[None]:
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    async def change(self) -> None:
        """Returns when the number changes."""
        await self._changed.wait()

    def _add(self, number: int) -> None:
        self._size += number
        self._changed.set()
        self._changed = asyncio.Event()
