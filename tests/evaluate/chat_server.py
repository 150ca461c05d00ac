"""A tiny model that writes text, on loopback: OpenAI chat completions around a function that is fully known."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Speaker = Callable[[list[dict[str, str]]], dict[str, Any]]


@dataclass
class Heard:
    """What the server was sent, and where it listens."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def serving(speak: Speaker, status: int = 200, wait_s: float = 0.0, raw: bytes | None = None) -> Iterator[Heard]:
    """Serve `speak` for the length of the block. `raw` is sent in place of what it says."""
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # a reply in one piece: two would wait for each other

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.bodies.append({**asked, "path": self.path})
            time.sleep(wait_s)
            message = speak(asked["messages"]) if raw is None else {}
            sent = json.dumps({"choices": [{"message": message}]}).encode() if raw is None else raw
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        heard.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        try:
            yield heard
        finally:
            server.shutdown()
            thread.join()


def says(text: str) -> Speaker:
    """Return a speaker that always says the same."""
    return lambda messages: {"role": "assistant", "content": text}
