"""Pictures on the desktop's clipboard. The picture's protocol carries text alone."""

import asyncio
import os

MOST_BYTES = 16 << 20
SIGNATURE = b"\x89PNG\r\n\x1a\n"
SECONDS = 10
COMMAND = ("xclip", "-selection", "clipboard", "-t", "image/png")


async def read_picture(display_name: str) -> bytes | None:
    """A PNG; None if the clipboard has no picture, or one that is too large."""
    process = await _start(display_name, "-o", stdout=asyncio.subprocess.PIPE)
    try:
        picture, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return None
    return picture if picture.startswith(SIGNATURE) and len(picture) <= MOST_BYTES else None


async def write_picture(display_name: str, picture: bytes) -> None:
    """It stays until something else is copied: a program of its own holds it."""
    process = await _start(display_name, "-i", stdin=asyncio.subprocess.PIPE)
    try:
        await asyncio.wait_for(process.communicate(picture), SECONDS)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()


async def _start(display_name: str, way: str, **streams: int) -> asyncio.subprocess.Process:
    nothing = asyncio.subprocess.DEVNULL
    # A pipe for its messages would stay open with the program that it leaves behind.
    all_streams = {"stdin": nothing, "stdout": nothing, "stderr": nothing, **streams}
    environment = {**os.environ, "DISPLAY": display_name}
    return await asyncio.create_subprocess_exec(*COMMAND, way, env=environment, **all_streams)
