"""The gateway's own upstream client: pooled, kept-alive HTTP/1.1 connections to one model process.

In: rows of values in model order and a deadline in event-loop time. Out: a score, and a decision if the model makes
one itself; or UpstreamFailed with the reason, for everything else that can happen. A general HTTP library costs many
times the rest of the request path; all we need is one verb to one neighbour.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools
import msgspec

from shipworthy.models.spec import Cell, ScoreBody

MAX_RESPONSE_BYTES = 8 << 20


class UpstreamFailed(Exception):
    """No usable answer: `connect`, `reset`, `timeout`, `status 503`, `body` or `score`. `str()` is the reason."""


class Scored(msgspec.Struct, frozen=True):
    """A usable score in [0, 1], and the model's own decision or None."""

    score: float
    decision: str | None = None


class Upstream(Protocol):
    """Where one version's scores come from. `deadline` is in event-loop time; every failure is UpstreamFailed."""

    async def score(self, row: list[Cell], deadline: float) -> Scored: ...
    async def healthy(self, deadline: float) -> bool: ...


_encode = msgspec.json.Encoder().encode
_bodies = msgspec.json.Decoder(ScoreBody)


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self.heard = False
        self.open = False
        self.port = 0

    def send(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        self._waiter = asyncio.get_running_loop().create_future()
        self._parts, self._size, self.heard = [], 0, False
        self._transport.write(request)
        return self._waiter

    def abort(self) -> None:
        self.open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being derived from it
        self.open = True

    def data_received(self, received: bytes) -> None:
        self.heard = True
        if self._waiter is None:  # nobody asked: whatever this is, it answers no request of ours
            return self.abort()
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError as error:
            self._fail(f"body: {error}")
        return None

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        self._parts.append(part)
        if self._size > MAX_RESPONSE_BYTES:
            self._fail("body: too large")

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.abort()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result((self._parser.get_status_code(), b"".join(self._parts)))

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        self._pool.forget(self)
        self._fail("reset")

    def _fail(self, reason: str) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(UpstreamFailed(reason))
        if self.open:
            self.abort()


class Pool:
    """Connections to one upstream, at most `cap` at once; a caller over the cap waits until its deadline."""

    def __init__(self, host: str, port: int, cap: int = 64) -> None:
        self._slots = asyncio.Semaphore(cap)
        self._idle: list[_Connection] = []
        self._host = host
        self.move(port)

    def move(self, port: int) -> None:
        """Go to another port: the process was started again. Idle connections to the old one are closed."""
        self._port = port
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()

    def close(self) -> None:
        """Close what is idle."""
        self.move(self._port)

    def forget(self, connection: _Connection) -> None:
        """Drop a connection that is gone."""
        if connection in self._idle:
            self._idle.remove(connection)

    async def score(self, row: list[Cell], deadline: float) -> Scored:
        """Return the score of one row. Raises UpstreamFailed."""
        status, body = await self.request(b"POST", b"/score", _encode({"rows": [row]}), deadline)
        if status != 200:
            raise UpstreamFailed(f"status {status}")
        return _scored(body)

    async def healthy(self, deadline: float) -> bool:
        """True when `GET /health` answers 200 in time."""
        try:
            status, _ = await self.request(b"GET", b"/health", b"", deadline)
        except UpstreamFailed:
            return False
        return status == 200

    async def request(self, method: bytes, path: bytes, body: bytes, deadline: float) -> tuple[int, bytes]:
        """Return (status, body). Raises UpstreamFailed on connect error, reset, timeout or a malformed answer."""
        head = b"%b %b HTTP/1.1\r\nhost: %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        sent = head % (method, path, self._host.encode(), len(body)) + body
        try:
            async with asyncio.timeout_at(deadline), self._slots:
                return await self._exchange(sent)
        except TimeoutError as error:
            raise UpstreamFailed("timeout") from error
        except OSError as error:
            raise UpstreamFailed(f"connect: {error.strerror or error}") from error

    async def _exchange(self, sent: bytes) -> tuple[int, bytes]:
        """Send on an idle connection; one that died while idle, unheard, is replaced by a new one, once."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.open:
                continue
            try:
                return await self._on(connection, sent)
            except UpstreamFailed as error:
                if str(error) != "reset" or connection.heard:
                    raise
                break
        return await self._on(await self._connect(), sent)

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        port = self._port
        _, connection = await loop.create_connection(lambda: _Connection(self), self._host, port)
        connection.port = port
        return connection

    async def _on(self, connection: _Connection, sent: bytes) -> tuple[int, bytes]:
        try:
            answer = await connection.send(sent)
        except BaseException:  # a cancelled or failed exchange leaves bytes in flight: never used again
            connection.abort()
            raise
        if connection.open and connection.port == self._port:
            self._idle.append(connection)
        elif connection.open:
            connection.abort()
        return answer


def _scored(body: bytes) -> Scored:
    try:
        told = _bodies.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UpstreamFailed(f"body: {error}") from error
    if len(told.scores) != 1 or (told.decisions is not None and len(told.decisions) != 1):
        raise UpstreamFailed("body: not one answer for one row")
    score = told.scores[0]
    if score is None or not 0.0 <= score <= 1.0:
        raise UpstreamFailed("score: missing or outside 0 to 1")
    return Scored(score, told.decisions[0] if told.decisions else None)
