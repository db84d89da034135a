"""The pages with something to fill in; every other file is sent as it is."""

import base64
import dataclasses
import hashlib
import html
import pathlib
import re

from aiohttp import web

from .scale import can_scale

# Nothing from other origins.
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'"
)

# Scripts of other pages.
NOT_MODULES = ("login.js",)


@dataclasses.dataclass(frozen=True)
class Page:
    text: str
    policy: str

    def to_response(self, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
        headers = {"Content-Security-Policy": self.policy, **(headers or {})}
        return web.Response(status=status, text=self.text, content_type="text/html", headers=headers)


def load_pages(templates: str, www: str, title: str) -> dict[str, Page]:
    """The pages by name, with the title and the modules that a browser should fetch at once filled in."""
    files = (file.relative_to(www).as_posix() for file in pathlib.Path(www).glob("**/*.js"))
    modules = sorted(file for file in files if file not in NOT_MODULES)
    preload = "".join(f'<link rel="modulepreload" href="{module}">' for module in modules)
    pages = {file.stem: _load(file, title, preload) for file in pathlib.Path(templates).glob("*.html")}
    desktop = pages["index"]
    # The scripts are the same, and so are their hashes.
    pages["viewer"] = dataclasses.replace(desktop, text=desktop.text.replace("<body>", '<body data-access="view">'))
    if can_scale():
        pages["index"] = dataclasses.replace(desktop, text=desktop.text.replace("<body>", "<body data-scales>"))
    return pages


def _load(file: pathlib.Path, title: str, preload: str) -> Page:
    text = file.read_text("utf-8").replace("{{TITLE}}", html.escape(title)).replace("<!--PRELOAD-->", preload)
    # Of the scripts within a page, only those that are in it now may run.
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    return Page(text, " ".join([f"{POLICY}; script-src 'self'", *map(_to_source, scripts)]))


def _to_source(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
