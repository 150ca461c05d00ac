"""The child process that holds a model: `python -m shipworthy.models.server`.

In: `ChildSpec` as JSON on the first line of standard input, then HTTP on a loopback port of its own choice.
Out: `{"port": n}` on standard output once the model is open; `POST /score`, `GET /health`. It caps its own memory
before it opens anything and ends when its standard input closes, so it never outlives the process that started it.
A small HTTP/1.1 subset is enough for the one client there is: requests with Content-Length, keep-alive.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import msgspec

from shipworthy.errors import ShipworthyError
from shipworthy.models.offline import no_network
from shipworthy.models.spec import Cell, ChildSpec, ScoreBody

MAX_HEAD_BYTES = 16 << 10
MAX_BODY_BYTES = 64 << 20
Score = Callable[[list[list[Cell]]], ScoreBody]


class _Ask(msgspec.Struct, frozen=True):
    rows: list[list[Cell]]


class Refused(Exception):
    """A request that is not answered with scores: `status` line and a reason."""

    def __init__(self, status: bytes, why: str, close: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.close = close


_asks = msgspec.json.Decoder(_Ask)
_encode = msgspec.json.Encoder().encode


def answer(score: Score, method: bytes, path: bytes, body: bytes) -> bytes:
    """Return the JSON body of a request. Raises Refused for what is unknown or malformed."""
    if path == b"/health" and method == b"GET":
        return b'{"ok":true}'
    if path != b"/score":
        raise Refused(b"404 Not Found", "no such path")
    if method != b"POST":
        raise Refused(b"405 Method Not Allowed", "POST only")
    try:
        asked = _asks.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refused(b"400 Bad Request", str(error)) from error
    return _encode(score(asked.rows))


class Connection(asyncio.Protocol):
    """One kept-alive connection: bytes in, requests out in order, each answered before the next is read."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being derived from it

    def data_received(self, received: bytes) -> None:
        self._buffer += received
        try:
            while request := _next_request(self._buffer):
                self._answer(*request)
        except Refused as refusal:
            self._send(refusal.status, _encode({"error": str(refusal)}))
            self._transport.close()

    def _answer(self, method: bytes, path: bytes, body: bytes) -> None:
        try:
            self._send(b"200 OK", answer(self._score, method, path, body))
        except Refused as refusal:
            self._send(refusal.status, _encode({"error": str(refusal)}))
        except Exception as error:  # the author's model may raise anything: the caller gets a 500, the log the trace
            traceback.print_exc()
            self._send(b"500 Internal Server Error", _encode({"error": f"{type(error).__name__}: {error}"}))

    def _send(self, status: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
        self._transport.write(head + body)


def _next_request(buffer: bytearray) -> tuple[bytes, bytes, bytes] | None:
    """Cut one whole request off the buffer, or return None until there is one."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD_BYTES:
            raise Refused(b"431 Request Header Fields Too Large", "head too large")
        return None
    method, path, length = _head(bytes(buffer[:end]))
    stop = end + 4 + length
    if len(buffer) < stop:
        return None
    body = bytes(buffer[end + 4 : stop])
    del buffer[:stop]
    return method, path, body


def _head(head: bytes) -> tuple[bytes, bytes, int]:
    """Return method, path and body length. A body of unknown length is refused rather than guessed."""
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    length = headers.get(b"content-length", b"0")
    if len(parts) != 3 or b"transfer-encoding" in headers or not length.isdigit():
        raise Refused(b"400 Bad Request", "needs a request line and Content-Length")
    if int(length) > MAX_BODY_BYTES:
        raise Refused(b"413 Content Too Large", "body too large")
    return parts[0], parts[1], int(length)


def open_model(spec: ChildSpec, folder: Path) -> Score:
    """Open the model in `folder`. Raises ShipworthyError children when it cannot be opened."""
    if spec.open.kind == "python":
        from shipworthy.models.python_model import open_python

        return open_python(folder, spec.open, spec.columns)
    from shipworthy.models.sklearn_model import open_sklearn

    return open_sklearn(folder, spec.open, spec.columns)


async def serve(score: Score, spec: ChildSpec, report: int) -> None:
    """Serve for ever; write the port to the file descriptor `report` and close it."""
    loop = asyncio.get_running_loop()
    if spec.listen is None:
        server = await loop.create_server(lambda: Connection(score), spec.host, 0)
    else:
        server = await loop.create_server(lambda: Connection(score), sock=socket.socket(fileno=spec.listen))
    with os.fdopen(report, "wb") as out:
        out.write(_encode({"port": server.sockets[0].getsockname()[1]}) + b"\n")
    await server.serve_forever()


def main() -> int:
    """Read the spec, cap memory, open the model, serve until the parent goes."""
    report = os.dup(1)
    os.dup2(2, 1)  # what a model prints belongs in the log and must never fill the parent's pipe
    spec = msgspec.json.decode(sys.stdin.buffer.readline(), type=ChildSpec)
    resource.setrlimit(resource.RLIMIT_AS, (spec.memory_bytes, spec.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with no_network() if spec.offline else nullcontext():
        try:
            score = open_model(spec, Path.cwd())
        except ShipworthyError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        asyncio.run(serve(score, spec, report))
    return 0


def _end_with_parent() -> None:
    """Wait for the end of standard input: the parent closed it, or is gone. Past the buffer, whose lock would stay."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
