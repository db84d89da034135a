"""The files that a browser loads, read once at start: they are few and small, and a path that is not among them is nowhere."""

import base64
import gzip
import hashlib
import html
import mimetypes
import os
import re
from dataclasses import dataclass

from .http_messages import Reply, Request


@dataclass(frozen=True)
class Page:
    raw: bytes
    packed: bytes
    content_type: str
    tag: str
    policy: str


POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'"


def load_pages(www: str, title: str) -> dict[str, Page]:
    """By path below `www`. The page's title and the modules that it should load at once are filled in."""
    files = sorted(os.path.relpath(os.path.join(folder, name), www) for folder, _, names in os.walk(www) for name in names)
    modules = [name for name in files if name.startswith("novnc/") and name.endswith(".js")]
    preload = "".join(f'<link rel="modulepreload" href="{name}">' for name in modules)
    return {name: _load(os.path.join(www, name), title, preload) for name in files}


def answer(page: Page, request: Request) -> Reply:
    headers = {"ETag": page.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding", "Content-Security-Policy": page.policy}
    if request.headers.get("if-none-match") == page.tag:
        return Reply(304, content_type=page.content_type, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Reply(200, page.raw, page.content_type, headers)
    return Reply(200, page.packed, page.content_type, {**headers, "Content-Encoding": "gzip"})


def _load(file: str, title: str, preload: str) -> Page:
    with open(file, "rb") as found:
        raw = found.read()
    if file.endswith(".html"):
        raw = raw.replace(b"{{TITLE}}", html.escape(title).encode()).replace(b"<!--PRELOAD-->", preload.encode())
    tag = '"' + hashlib.sha256(raw).hexdigest()[:16] + '"'
    return Page(raw, gzip.compress(raw, 6, mtime=0), _content_type(file), tag, _policy(raw))


def _policy(raw: bytes) -> str:
    """Nothing from elsewhere, and of scripts within a page only those that are in it here."""
    scripts = re.findall(rb"<script>(.*?)</script>", raw, re.DOTALL)
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in scripts]
    return "; ".join([POLICY, " ".join(["script-src 'self'", *hashes])])


def _content_type(file: str) -> str:
    kind = "text/javascript" if file.endswith(".js") else mimetypes.guess_type(file)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
