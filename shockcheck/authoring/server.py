"""The server of `watch`: shows a report in the browsers of this machine, and tells them after each build to reload.

Files stay as they were built: the script that listens for builds is put into a page as it is sent.
"""

import hashlib
import html
import json
import logging
import mimetypes
import os
import re
import socket
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

TEMPLATES = Path(__file__).resolve().parent / "templates"


HOST = "127.0.0.1"  # this machine alone
NEWS_PATH = "/.watch"  # where pages listen; no file has this address, since names with a leading dot are not served
HTML_SUFFIXES = {".html", ".htm"}
HEAD = re.compile(rb"<head[^>]*>", re.IGNORECASE)
POLICY = re.compile(rb"""(<meta http-equiv=["']?Content-Security-Policy["']? content=["'])""", re.IGNORECASE)
ALLOW_LISTENING = rb"\1connect-src 'self'; "  # the first of two equal directives counts


class Site:
    """The folder of a report, its pages that are open in browsers, and how the last build ended.

    `building` is true while a build runs, `errors` are the errors of the last build.
    """

    def __init__(self, folder: Path) -> None:
        """Serve `folder`, which may not exist yet."""
        self.folder = folder
        self.building = True
        self.errors: list[str] = []
        self.listeners: set[Listener] = set()

    @property
    def state(self) -> str:
        """A digest that changes whenever a file of the report is written."""
        try:
            entries = [(entry.name, entry.stat()) for entry in os.scandir(self.folder) if not entry.name.startswith(".")]
        except OSError:  # there is no folder yet, or a file was replaced just now
            return "none"
        times = sorted((name, status.st_mtime_ns, status.st_ino) for name, status in entries)
        return hashlib.sha256(repr(times).encode()).hexdigest()

    def end_build(self, errors: list[str]) -> None:
        """Tell every open page that a build has ended, with or without errors."""
        self.building, self.errors = False, errors
        for listener in tuple(self.listeners):
            listener.tell()

    def listen(self, sockets: list[socket.socket]) -> HTTPServer:
        """Start answering on these sockets, which share a port; return the server, which the caller stops."""
        options = {"site": self, "port": sockets[0].getsockname()[1]}
        routes = [(re.escape(NEWS_PATH), Listener, options), (r"/(.*)", FileHandler, options)]
        logging.getLogger("tornado.general").setLevel(logging.ERROR)  # whoever asked is told of a refusal
        server = HTTPServer(Application(routes, log_function=lambda handler: None))
        server.add_sockets(sockets)
        return server


def bind(port: int) -> list[socket.socket]:
    """Return sockets on a port that only this machine reaches; raises OSError where the port is taken."""
    return bind_sockets(port, HOST)


class LocalHandler(RequestHandler):
    """A request, refused unless it is addressed to this machine by its own name and comes from a page of this server.

    Otherwise a page of another site, whose name leads to this machine (DNS rebinding), could read everything here.
    """

    def initialize(self, site: Site, port: int) -> None:
        """Take the options of the route."""
        self.site, self.port = site, port

    def prepare(self) -> None:
        """Raise HTTPError for a foreign host or origin."""
        names = {HOST, "localhost"}
        hosts = {f"{name}:{self.port}" for name in names} | (names if self.port == 80 else set())
        host, origin = (self.request.headers.get(name, "").lower() for name in ("Host", "Origin"))
        if host not in hosts or (origin and origin not in {f"http://{host}" for host in hosts}):
            raise HTTPError(403, f"This report is for browsers of its own machine; open http://{HOST}:{self.port}/ there.")

    def set_default_headers(self) -> None:
        """Tell browsers to keep nothing, guess no types, and embed nothing in pages of other sites."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def write_error(self, status_code: int, **details: Any) -> None:
        """Send a sentence that says why there is no answer; the page for a missing file listens for the next build."""
        _, error, _ = details.get("exc_info", (None, None, None))
        sentence = getattr(error, "log_message", None) or f"{HTTPStatus(status_code).phrase}."
        page = f"<!DOCTYPE html><html lang=en><head><title>{status_code}</title></head><p>{html.escape(sentence)}</p>"
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(_listening(page.encode(), self.site.state) if status_code == 404 else page)


class FileHandler(LocalHandler):
    """A request for a file of the report."""

    def get(self, path: str) -> None:
        """Send the file, or the index of a folder; raises HTTPError for what is missing or must not be read."""
        state = self.site.state  # before the file is read, so that a page written in between counts as outdated
        try:
            file = self._inside(path)
            if file.is_dir() and path and not path.endswith("/"):
                self.redirect(f"{self.request.path}/")
                return
            file = self._inside(f"{path}index.html") if file.is_dir() else file
            content = file.read_bytes() if file.is_file() else None  # reading a pipe, for example, would wait
        except (OSError, ValueError, RuntimeError):  # too long a name, a zero byte, links in a circle, no permission
            content = None
        if content is None:
            raise HTTPError(404, f"{'The report is being built' if self.site.building else 'There is no such page'}.")
        is_page = file.suffix.lower() in HTML_SUFFIXES
        kind = "text/html" if is_page else mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=UTF-8" if kind.startswith("text/") else kind)
        self.finish(_listening(content, state) if is_page else content)

    head = get

    def _inside(self, path: str) -> Path:
        """Return the file at a path, links followed; raises HTTPError for a file that is hidden or outside the report."""
        root = self.site.folder.resolve()
        file = (root / path).resolve()
        outside = not file.is_relative_to(root)
        if outside or any(part.startswith(".") for part in (*path.split("/"), *file.relative_to(root).parts)):
            raise HTTPError(403, "Only what lies in the report's folder is served, and no hidden files.")
        return file


class Listener(LocalHandler, WebSocketHandler):
    """The connection to a page that is open in a browser."""

    def check_origin(self, origin: str) -> bool:
        """Return true: `prepare` has refused foreign origins."""
        return True

    def open(self, *_: str) -> None:
        """Tell a page that was opened the state of the report; during a build, its end will tell."""
        self.site.listeners.add(self)
        if not self.site.building:
            self.tell()

    def tell(self) -> None:
        """Send the state of the report and the errors of the last build."""
        self.write_message(json.dumps({"state": self.site.state, "errors": self.site.errors}))

    def on_close(self) -> None:
        """Forget the page."""
        self.site.listeners.discard(self)


def _listening(page: bytes, state: str) -> bytes:
    """Return a page with the script that listens for builds, placed before any policy of the page on scripts."""
    script = (TEMPLATES / "reload.js").read_text(encoding="utf-8")
    element = f'<script data-state="{state}" data-news="{NEWS_PATH}">{script}</script>'.encode()
    page, heads = HEAD.subn(lambda head: head[0] + element, page, count=1)
    return POLICY.sub(ALLOW_LISTENING, page, count=1) if heads else page + element
