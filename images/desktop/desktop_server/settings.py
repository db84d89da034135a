"""What the environment says, read once."""

import os
import re
from dataclasses import dataclass

TRUE = ("1", "true", "yes")


@dataclass(frozen=True)
class Settings:
    port: int
    # The path that everything is under: "/" or "/sub/".
    prefix: str
    title: str
    # The name that HTTP Basic has to give beside the password.
    user: str
    no_auth: bool
    geometry: str
    frames_per_second: int
    session: tuple[str, ...]
    templates: str
    www: str
    run: str
    # Where the key of the sign-in cookies stays while the machine is replaced.
    key_file: str

    @property
    def vnc_socket(self) -> str:
        return f"{self.run}/vnc.sock"


def read_settings(env: dict[str, str]) -> Settings:
    """Raises ValueError naming the variable that makes no sense."""
    home = env.get("HOME") or "/config"
    return Settings(
        port=_number(env, "CUSTOM_PORT", 3000, 65535),
        prefix=_prefix(env.get("SUBFOLDER", "")),
        title=env.get("TITLE") or "Desktop",
        user=env.get("CUSTOM_USER") or "abc",
        no_auth=env.get("NO_AUTH", "").lower() in TRUE,
        geometry=env.get("GEOMETRY") or "1280x800",
        frames_per_second=_number(env, "FPS", 60, 240),
        session=("dbus-run-session", "--", "/opt/desk/session.sh"),
        templates="/opt/desk/templates",
        www="/opt/desk/www",
        run="/run/desk",
        key_file=f"{home}/.local/state/desktop-server/cookie.key",
    )


def take_password(env: dict[str, str]) -> str:
    """The password from the pipe that the entrypoint names, so that no process has it in its environment."""
    with os.fdopen(int(env.pop("DESK_PASSWORD_FD"))) as pipe:
        return pipe.read()


def _prefix(subfolder: str) -> str:
    inner = subfolder.strip("/")
    if not re.fullmatch(r"[\w./~-]*", inner, re.ASCII):
        raise ValueError("SUBFOLDER has to be a path of letters, digits and . _ ~ - only.")
    return f"/{inner}/" if inner else "/"


def _number(env: dict[str, str], name: str, default: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise ValueError(f'{name} is "{text}", and has to be a number from 1 to {most}.')
    return int(text)
