"""How large the desktop draws things: on a screen with several pixels for one of a page, as many times as large."""

import asyncio
import os
import pathlib
import shutil

LEAST, MOST = 1.0, 4.0
USUAL_DPI = 96
SECONDS = 10


class Scale:
    def __init__(self, display_name: str) -> None:
        self._display_name = display_name
        # A session keeps its settings, and this server does not know them at its start.
        self._now: float | None = None
        self._wanted = LEAST
        self._has_dpi = False
        self._task: asyncio.Task[None] | None = None

    def want(self, scale: float) -> None:
        """Tells programs soon; those that do not listen show it when they are started next."""
        self._wanted = min(MOST, max(LEAST, scale))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while self._now != self._wanted:
            self._now = self._wanted
            factor, dpi = to_settings(self._wanted)
            await self._run("xrdb", "-merge", sent=f"Xft.dpi: {round(USUAL_DPI * self._wanted)}\n")
            await self._set("/Gdk/WindowScalingFactor", factor)
            # The resolution of fonts is a setting of the person's, too.
            if dpi != USUAL_DPI or self._has_dpi:
                self._has_dpi = dpi != USUAL_DPI
                await self._set("/Xft/DPI", dpi if self._has_dpi else None)

    async def _set(self, name: str, value: int | None) -> None:
        how = ("-r",) if value is None else ("-n", "-t", "int", "-s", str(value))
        await self._run("xfconf-query", "-c", "xsettings", "-p", name, *how)

    async def _run(self, *command: str, sent: str = "") -> None:
        quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
        environment = {**os.environ, "DISPLAY": self._display_name, **find_session_bus()}
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, env=environment, **quiet
            )
        except OSError:
            # An edition without it.
            return
        try:
            await asyncio.wait_for(process.communicate(sent.encode()), SECONDS)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()


def can_scale() -> bool:
    """Only XFCE enlarges what is open already; elsewhere it would be tiny."""
    return shutil.which("xfconf-query") is not None


def find_session_bus() -> dict[str, str]:
    """Of the session's settings daemon. Without it, a program would start another bus, with settings of its own."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text().strip() != "xfsettingsd":
                continue
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            # It has ended, or is another user's.
            continue
        for variable in variables:
            name, _, value = variable.decode(errors="replace").partition("=")
            if name == "DBUS_SESSION_BUS_ADDRESS":
                return {name: value}
    return {}


def to_settings(scale: float) -> tuple[int, int]:
    """By how much GTK enlarges windows, which takes whole numbers, and the resolution of fonts for the rest."""
    factor = int(scale)
    return factor, round(USUAL_DPI * scale / factor)
