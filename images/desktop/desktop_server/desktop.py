"""Keeps the X server and the session running, and knows whether a person would see a desktop."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

from .settings import Settings
from .typist import Typist
from .x_windows import DISPLAY, X_SOCKET, count_windows

X_LOCK = "/tmp/.X1-lock"
LOOK_SECONDS = 0.1
# A session that shows no window this long after its start is taken for intended.
PATIENCE_SECONDS = 90
# The session ends first, then X, and both well within three seconds.
SESSION_GRACE_SECONDS, X_GRACE_SECONDS = 1.5, 0.5


class Desktop:
    def __init__(self, settings: Settings, typist: Typist, log: Callable[[str], None]) -> None:
        self._settings = settings
        self._typist = typist
        self._log = log
        self._x: asyncio.subprocess.Process | None = None
        self._session: asyncio.subprocess.Process | None = None
        self._stopping = False
        # True from the session's first window until it ends.
        self.is_up = False

    async def run(self) -> None:
        """Starts what ends again, until it is stopped."""
        while not self._stopping:
            self._x = await self._start_x()
            if await self._await_x(self._x):
                await self._typist.reserve()
                await self._run_sessions(self._x)
            _signal_group(self._x, signal.SIGTERM)
            await self._x.wait()
            if not self._stopping:
                self._log("the X server ended, starting another")
                await asyncio.sleep(0.5)

    async def stop(self) -> None:
        self._stopping = True
        self.is_up = False
        for process, grace in ((self._session, SESSION_GRACE_SECONDS), (self._x, X_GRACE_SECONDS)):
            await _end(process, grace)

    async def _start_x(self) -> asyncio.subprocess.Process:
        for leftover in (X_LOCK, X_SOCKET, self._settings.vnc_socket):
            if os.path.lexists(leftover):
                os.unlink(leftover)
        # No VNC port at all: the picture comes through a socket that only this user may open.
        socket = ("-rfbport", "-1", "-rfbunixpath", self._settings.vnc_socket, "-rfbunixmode", "0600")
        vnc = (*socket, "-SecurityTypes", "None")
        screen = ("-geometry", self._settings.geometry, "-depth", "24", "-dpi", "96", "-nolisten", "tcp")
        sharing = ("-AlwaysShared", "-AcceptSetDesktopSize", "-FrameRate", str(self._settings.frames_per_second))
        # What is selected is not yet copied: it stays out of the visitors' clipboards, and theirs out of it.
        clipboard = ("-SendPrimary=0", "-SetPrimary=0")
        return await _spawn("Xvnc", DISPLAY, *screen, *vnc, *sharing, *clipboard, "-desktop", self._settings.title)

    async def _await_x(self, x: asyncio.subprocess.Process) -> bool:
        while x.returncode is None and not self._stopping:
            if os.path.exists(self._settings.vnc_socket) and os.path.exists(X_SOCKET):
                self._log("X is up")
                return True
            await asyncio.sleep(0.01)
        return False

    async def _run_sessions(self, x: asyncio.subprocess.Process) -> None:
        """One after the other while X runs: who logs out gets a fresh one."""
        while x.returncode is None and not self._stopping:
            started = time.monotonic()
            self._session = await _spawn(*self._settings.session, DISPLAY=DISPLAY)
            waits = [asyncio.create_task(wait) for wait in (self._session.wait(), x.wait())]
            look = asyncio.create_task(self._watch_for_windows(started))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            self.is_up = False
            for task in (*waits, look):
                task.cancel()
            # What the session left behind would show through in the next one.
            await _end(self._session, SESSION_GRACE_SECONDS)
            if self._stopping:
                return
            self._log("the session ended, starting another")
            # One that dies at once is not started a hundred times a second.
            await asyncio.sleep(0.5 if time.monotonic() - started > 10 else 3)

    async def _watch_for_windows(self, started: float) -> None:
        while time.monotonic() - started < PATIENCE_SECONDS and await count_windows() == 0:
            await asyncio.sleep(LOOK_SECONDS)
        self.is_up = True
        self._log(f"the desktop is up, {time.monotonic() - started:.1f} s after its session's start")


async def _spawn(*command: str, **env: str) -> asyncio.subprocess.Process:
    """In a process group of its own, so that all of it can be ended."""
    return await asyncio.create_subprocess_exec(
        *command, start_new_session=True, stdin=asyncio.subprocess.DEVNULL, env={**os.environ, **env}
    )


async def _end(process: asyncio.subprocess.Process | None, grace: float) -> None:
    if process is None:
        return
    _signal_group(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), grace)
    except asyncio.TimeoutError:
        pass
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: asyncio.subprocess.Process, which: signal.Signals) -> None:
    try:
        os.killpg(process.pid, which)
    except ProcessLookupError:
        # Nobody of it is left.
        pass
