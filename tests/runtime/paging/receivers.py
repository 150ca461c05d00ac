"""A receiver of pages on the loopback that misbehaves as it is told, and keeps what it was sent.

In: what to do with each request, in order; the last one goes on. Out: a real HTTP server. A behaviour is a status, or
a status with headers, or `hang` (say nothing until closed), `close` (close without an answer), `half` (close in the
middle of the answer), `drip` (a byte now and then, for ever).
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self


class Took(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Does = int | str | tuple[int, Mapping[str, str]]


class Receiver:
    """Use as a context manager."""

    def __init__(self, *does: Does, tls: ssl.SSLContext | None = None) -> None:
        self.does: Sequence[Does] = does or (200,)
        self.took: list[Took] = []
        self.asked = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Do what comes next."""
        body = request.rfile.read(int(request.headers["content-length"]))
        with self._lock:
            does = self.does[min(self.asked, len(self.does) - 1)]
            self.asked += 1
        if does == "hang":
            self._over.wait(30)
        elif does == "close":
            request.connection.shutdown(socket.SHUT_RDWR)
        elif does == "half":
            request.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-le")
            request.connection.shutdown(socket.SHUT_RDWR)
        elif does == "drip":
            self._drip(request)
        else:
            assert not isinstance(does, str)
            status, headers = (does, {}) if isinstance(does, int) else does
            self._say(request, status, dict(headers), body)
            return
        request.close_connection = True

    def _say(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        if 200 <= status < 300:
            with self._lock:
                self.took.append(Took(request.path, {key.lower(): text for key, text in request.headers.items()}, body))
        request.send_response(status)
        for name, text in {"content-length": "2", **headers}.items():
            request.send_header(name, text)
        request.end_headers()
        request.wfile.write(b"{}")

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        try:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
            while not self._over.wait(0.02):
                request.wfile.write(b"a")
        except OSError:  # they hung up, as they should
            return
