"""The gateway's own upstream client: pooled, kept-alive HTTP/1.1 connections to one model server.

In: rows of values in model order and a deadline in event-loop time. Out: a score, and a decision if the model makes
one itself; or UpstreamFailed with the reason, for everything else that can happen. A general HTTP library costs many
times the rest of the request path; all we need is one verb to one neighbour. So there is nothing per request that can
be had per pool: one alarm for all deadlines, no queue while there is room, no task of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import httptools

from shipworthy.deploy.http.upstream import Dialect, Scored, Upstream, UpstreamFailed
from shipworthy.deploy.http.upstreams.own import Own
from shipworthy.models.spec import Cell

__all__ = ["CAP", "Pool", "Scored", "Upstream", "UpstreamFailed"]

CAP = 64
"""Connections at once: the baseline is sized for everything."""
MAX_RESPONSE_BYTES = 8 << 20
MAX_HEAD_BYTES = 64 << 10
_NEVER = float("inf")
_Answer = asyncio.Future[tuple[int, bytes]]


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    __slots__ = ("_parser", "_parts", "_pool", "_size", "_transport", "_waiter", "heard", "open", "port", "until")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._parser: Any = httptools.HttpResponseParser(self)
        self._waiter: _Answer | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self.heard = False
        self.open = False
        self.port = 0
        self.until = _NEVER

    def send(self, request: bytes, waiter: _Answer, until: float) -> None:
        self._waiter, self.until = waiter, until
        self._parts, self._size, self.heard = [], 0, False
        self._transport.write(request)

    def abort(self) -> None:
        self.open = False
        self._transport.abort()

    def late(self) -> None:
        self._fail("timeout")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being derived from it
        self.open = True

    def data_received(self, received: bytes) -> None:
        self.heard = True
        if self._waiter is None:  # nobody asked: whatever this is, it answers no request of ours
            return self.abort()
        self._size += len(received)
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError as error:
            return self._fail(f"body: {error}")
        if self._waiter is not None:
            self._bounded()
        return None

    def on_message_begin(self) -> None:
        if self._waiter is None:  # a second answer behind the first: its rest would answer the next request
            self.abort()

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        parser, parts, waiter = self._parser, self._parts, self._waiter
        self._waiter, self.until = None, _NEVER
        if not parser.should_keep_alive():
            self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result((parser.get_status_code(), parts[0] if len(parts) == 1 else b"".join(parts)))

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        self._pool.forget(self)
        self._fail("reset")

    def _bounded(self) -> None:
        """Give up on an answer that does not end, in its head or in its body."""
        if self._size > (MAX_RESPONSE_BYTES if self._parts else MAX_HEAD_BYTES):
            self._fail("body: too large")

    def _fail(self, reason: str) -> None:
        waiter, self._waiter, self.until = self._waiter, None, _NEVER
        if waiter is not None and not waiter.done():
            waiter.set_exception(UpstreamFailed(reason, heard=self.heard))
        if self.open:
            self.abort()


class _Queued:
    """A caller over the cap."""

    __slots__ = ("since", "turn", "until")

    def __init__(self, turn: asyncio.Future[None], since: float, until: float) -> None:
        self.turn, self.since, self.until = turn, since, until


class Pool:
    """Connections to one upstream, at most `cap` at once; a caller over the cap waits, first come first served.

    `dialect`: what kind of server it is, our own model process by default. `again`: a request may be sent a second
    time when a connection turns out to have died while idle; not for models with side effects.
    """

    def __init__(
        self, host: str, port: int, cap: int = CAP, *, dialect: Dialect | None = None, again: bool = True
    ) -> None:
        self.dialect = dialect or Own()
        self._again = again
        self._cap = cap
        self._used = 0
        self._queue: deque[_Queued] = deque()
        self._all: set[_Connection] = set()
        self._idle: list[_Connection] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = _NEVER
        self._host = host
        self.move(port)

    def move(self, port: int) -> None:
        """Go to another port: the process was started again. Idle connections to the old one are closed."""
        self._port = port
        host = f"host: {self._host}:{port}\r\n"
        self._post = f"POST {self.dialect.path} HTTP/1.1\r\n{host}{_JSON}content-length: ".encode()
        self._get = f"GET {self.dialect.health} HTTP/1.1\r\n{host}\r\n".encode()
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()

    def close(self) -> None:
        """Close what is idle."""
        self.move(self._port)

    def forget(self, connection: _Connection) -> None:
        """Drop a connection that is gone."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def queued_s(self) -> float:
        """Return for how long the first caller over the cap has waited; 0 when nobody waits."""
        queue = self._queue
        while queue and queue[0].turn.done():
            queue.popleft()
        return asyncio.get_running_loop().time() - queue[0].since if queue else 0.0

    @property
    def used(self) -> int:
        """How many requests are under way, those that wait for a connection not among them."""
        return self._used

    async def score(self, row: list[Cell], deadline: float) -> Scored:
        """Return the score of one row. Raises UpstreamFailed."""
        dialect = self.dialect
        body = dialect.body((row,))
        status, answer = await self.exchange(b"%b%d\r\n\r\n%b" % (self._post, len(body), body), deadline)
        if status != 200:
            raise UpstreamFailed(f"status {status}")
        return dialect.scores(answer, 1)[0]

    async def healthy(self, deadline: float) -> bool:
        """True when the dialect's health path answers 200 in time."""
        try:
            status, _ = await self.exchange(self._get, deadline)
        except UpstreamFailed:
            return False
        return status == 200

    async def exchange(self, request: bytes, deadline: float) -> tuple[int, bytes]:
        """Return (status, body). Raises UpstreamFailed on connect error, reset, timeout or a malformed answer."""
        if self._used >= self._cap:
            await self._turn(deadline)
        else:
            self._used += 1
        try:
            idle = self._idle
            while idle:
                connection = idle.pop()
                if connection.open:
                    try:
                        return await self._on(connection, request, deadline)
                    except UpstreamFailed as error:  # it died while idle, unheard: once more on a new one
                        if str(error) != "reset" or error.heard or not self._again:
                            raise
                        break
            return await self._on(await self._connect(deadline), request, deadline)
        finally:
            self._leave()

    async def _on(self, connection: _Connection, request: bytes, deadline: float) -> tuple[int, bytes]:
        waiter: _Answer = asyncio.get_running_loop().create_future()
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        connection.send(request, waiter, deadline)
        try:
            answer = await waiter
        except BaseException:  # a cancelled or failed exchange leaves bytes in flight: never used again
            connection.abort()
            raise
        if connection.open:
            if connection.port == self._port:
                self._idle.append(connection)
            else:
                connection.abort()
        return answer

    async def _connect(self, deadline: float) -> _Connection:
        loop = asyncio.get_running_loop()
        port = self._port
        try:
            async with asyncio.timeout_at(deadline):
                _, connection = await loop.create_connection(lambda: _Connection(self), self._host, port)
        except TimeoutError as error:
            raise UpstreamFailed("timeout", sent=False, heard=False) from error
        except OSError as error:
            raise UpstreamFailed(f"connect: {error.strerror or error}", sent=False, heard=False) from error
        connection.port = port
        self._all.add(connection)
        return connection

    async def _turn(self, deadline: float) -> None:
        """Wait until somebody leaves, who hands the place over. Raises UpstreamFailed at the deadline."""
        loop = asyncio.get_running_loop()
        queued = _Queued(loop.create_future(), loop.time(), deadline)
        self._queue.append(queued)
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        try:
            await queued.turn
        except asyncio.CancelledError:
            turn = queued.turn
            handed_over = turn.done() and not turn.cancelled() and turn.exception() is None
            if handed_over:
                self._leave()
            raise

    def _leave(self) -> None:
        while self._queue:
            turn = self._queue.popleft().turn
            if not turn.done():
                return turn.set_result(None)
        self._used -= 1
        return None

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        """Fail all that is late; ring again when the next one would be."""
        self._alarm, self._alarm_at = None, _NEVER
        now = asyncio.get_running_loop().time()
        for connection in [one for one in self._all if one.until <= now]:
            connection.late()
        for one in self._queue:
            if one.until <= now and not one.turn.done():
                one.turn.set_exception(UpstreamFailed("timeout", sent=False, heard=False))
        waiting = [one.until for one in self._queue if not one.turn.done()]
        nearest = min([*waiting, *(one.until for one in self._all)], default=_NEVER)
        if nearest < _NEVER:
            self._set_alarm(nearest)


_JSON = "content-type: application/json\r\n"
