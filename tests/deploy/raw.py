"""Upstreams that break in every way a server can: bytes as they are written, on loopback, each in a loop of its own.

A handler hears one whole request at a time and writes whatever it likes. `WAYS` names the ways to break.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

BODY = b'{"scores":[0.9],"decisions":null}'
Handler = Callable[[asyncio.StreamWriter, int], Awaitable[None]]


def answer(body: bytes = BODY, length: int | None = None, status: bytes = b"200 OK", head: bytes = b"") -> bytes:
    """Return the bytes of one answer; `length`: what it claims to be."""
    told = len(body) if length is None else length
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, head, told, body)


@dataclass
class Raw:
    """A running one: its port, how many requests came over how many connections, and the most of either at once."""

    port: int = 0
    requests: int = 0
    connections: int = 0
    open: int = 0
    most_open: int = 0
    asked: int = 0
    most_asked: int = 0
    heads: list[bytes] = field(default_factory=list)


@contextmanager
def raw(handler: Handler) -> Iterator[Raw]:
    """Serve with a handler until the block ends."""
    told, ready = Raw(), threading.Event()
    loop = asyncio.new_event_loop()
    numbers = itertools.count()
    held: set[object] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.add(asyncio.current_task())  # a loop holds its tasks weakly, and this one may wait for nothing
        told.connections += 1
        told.open += 1
        told.most_open = max(told.most_open, told.open)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):  # who leaves, leaves
                while True:
                    told.heads.append(await _request(reader))
                    told.requests += 1
                    told.asked += 1
                    told.most_asked = max(told.most_asked, told.asked)
                    try:
                        await handler(writer, next(numbers))
                    finally:
                        told.asked -= 1
                    if writer.is_closing():
                        return
                    await writer.drain()
        finally:
            told.open -= 1
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        told.port = server.sockets[0].getsockname()[1]
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    def run() -> None:
        asyncio.set_event_loop(loop)
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        for _ in range(3):  # a connection may just have been taken
            left = asyncio.all_tasks(loop)
            for one in left:
                one.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    task = loop.create_task(main())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        yield told
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
    await reader.readexactly(length)
    return head


async def good(writer: asyncio.StreamWriter, number: int) -> None:
    """Answer as one should."""
    writer.write(answer())


async def hung(writer: asyncio.StreamWriter, number: int) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def closes(writer: asyncio.StreamWriter, number: int) -> None:
    """Close instead of an answer."""
    writer.close()


async def half_closed(writer: asyncio.StreamWriter, number: int) -> None:
    """End the writing half within the answer and keep the other half."""
    writer.write(answer()[:-5])
    writer.write_eof()
    await asyncio.Event().wait()


async def drips(writer: asyncio.StreamWriter, number: int) -> None:
    """A byte every now and then, so that something always seems to come."""
    for byte in itertools.cycle(answer(length=1 << 20)):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.02)


async def resets(writer: asyncio.StreamWriter, number: int) -> None:
    """Reset the connection within the body."""
    writer.write(answer(length=1000))
    await writer.drain()
    await asyncio.sleep(0.005)
    writer.transport.abort()


async def headless(writer: asyncio.StreamWriter, number: int) -> None:
    """A head that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"y" * 4096 + b"\r\n")
        await writer.drain()


async def endless(writer: asyncio.StreamWriter, number: int) -> None:
    """A body that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"y" * 65536 + b"\r\n")
        await writer.drain()


def says(*parts: bytes) -> Handler:
    """Return a handler that answers with these bytes."""

    async def handler(writer: asyncio.StreamWriter, number: int) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return handler


WAYS: dict[str, tuple[Handler, str]] = {
    "hung": (hung, "timeout"),
    "closes": (closes, "reset"),
    "half closed": (half_closed, "reset"),
    "slow drip": (drips, "timeout"),
    "reset mid-body": (resets, "reset"),
    "truncated JSON": (says(answer(BODY[:-4])), "body"),
    "500": (says(answer(b'{"error":"no"}', status=b"500 Internal Server Error")), "status 500"),
    "503 that closes": (says(answer(b"", status=b"503 No", head=b"connection: close\r\n")), "status 503"),
    "a redirect": (says(answer(b"", status=b"302 Found", head=b"location: /score\r\n")), "status 302"),
    "content-length too short": (says(answer(BODY, 5)), "body"),
    "content-length too long": (says(answer(BODY, 500)), "timeout"),
    "two content-lengths": (says(answer(BODY, head=b"content-length: 5\r\n")), "body"),
    "a malformed status line": (says(b"HTTP/1.1 abc\r\n\r\n"), "body"),
    "a malformed header": (says(answer(head=b"no colon here\r\n")), "body"),
    "a head without end": (headless, "body: too large"),
    "a body without end": (endless, "body: too large"),
    "not HTTP": (says(b"\x16\x03\x01\x00\xa5\x01\x00\x00"), "body"),
    "a score that is no number": (says(answer(b'{"scores":[NaN]}')), "body"),
    "a score over one": (says(answer(b'{"scores":[1.0000001]}')), "score"),
    "two scores": (says(answer(b'{"scores":[0.1,0.2]}')), "body"),
}
