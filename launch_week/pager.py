"""The on-call system of the story: a receiver of CloudEvents on the loopback that keeps what it hears, in order."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAME = "pagers.yaml"


class Pager:
    """Listens until closed. `events`: what came; `file`: what `serve --pagers` reads."""

    def __init__(self, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        events = self.events

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                events.append(json.loads(raw))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: the story has a page of its own."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.file = folder / NAME
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.file.write_text(f"pagers:\n  - {{name: story, kind: cloudevents, url: {url}}}\n", encoding="utf-8")

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """Return what was told of one kind, such as `segment.degraded`."""
        return [one["data"] for one in self.events if one["type"] == f"dev.shipworthy.{kind}.v1"]

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
