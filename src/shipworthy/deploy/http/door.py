"""The door of a gateway: one HTTP connection, over uvicorn's protocol, that a slow or hostile caller cannot hold open.

In: bytes of callers, and `Bounds`. Out: requests for the ASGI application; 408 for a header or body that does not come
in time, 431 for a header that is too large, 429 and 503 for callers over their connections (RFC 9110 §15, RFC 6585).
No timer a request: each connection notes when it began to wait, and `Doors.sweep` closes those that waited too long.
While the process drains, requests under way are answered with `Connection: close`.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shipworthy.deploy.http.peer import caller_of

# nothing asked · a header is coming · a body is · all has come · refused, and what still comes is thrown away
IDLE, HEAD, BODY, ANSWER, REFUSED = range(5)
LINGER_S: Final = 2.0  # who is still sending would lose our answer to a reset, if we closed at once (RFC 9112 §9.6)
_UPGRADE: Final = re.compile(rb"\r\n(upgrade[ \t]*:)", re.IGNORECASE)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


class Bounds(NamedTuple):
    """What a caller may take: seconds for a header and for a body, seconds of silence between requests and without
    reading an answer, bytes of a header, connections in all and of one address (`trusted` ones may have any number: a
    proxy on this machine stands for all its callers)."""

    header_s: float = 10.0
    body_s: float = 10.0
    idle_s: float = 120.0
    read_s: float = 30.0
    header_bytes: int = 32_768
    connections: int = 10_000
    per_peer: int = 500
    trusted: frozenset[str] = LOOPBACK


class Doors:
    """What the connections of one process share."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.open: set[Door] = set()
        self.refused: Counter[str] = Counter()
        self.draining = False
        self._peers: Counter[str] = Counter()

    def take(self, door: Door, peer: str) -> int:
        """Take a connection in; return 0, or the status it is refused with."""
        if len(self.open) >= self.bounds.connections:
            return 503
        if peer not in self.bounds.trusted:
            if self._peers[peer] >= self.bounds.per_peer:
                return 429
            self._peers[peer] += 1
        self.open.add(door)
        return 0

    def let_go(self, door: Door, peer: str) -> None:
        """Forget a connection that was taken in."""
        if door not in self.open:
            return
        self.open.discard(door)
        if peer not in self.bounds.trusted:
            self._peers[peer] -= 1
            if self._peers[peer] <= 0:
                del self._peers[peer]

    def sweep(self, now_s: float) -> None:
        """Close the connections that have waited too long. `now_s`: the loop's time."""
        for door in tuple(self.open):
            door.swept(now_s)

    def drain(self) -> None:
        """From now on every answer is the last one of its connection."""
        self.draining = True
        for door in tuple(self.open):
            door.last()

    def told(self) -> dict[str, int]:
        """Return what the status shows: connections that are open, and how many were refused or closed, and why."""
        return {"open": len(self.open), **self.refused}


class Door(HttpToolsProtocol):
    """One connection."""

    def __init__(self, doors: Doors, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._doors = doors
        self._phase = IDLE
        self._since = 0.0
        self._stuck_s = 0.0
        self._head_bytes = 0
        self._leaving = False
        self._peer = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, or say why not."""
        super().connection_made(transport)
        self._since = self.loop.time()
        # not `x-forwarded-for`, which whoever connects may write: who holds the connection
        self._peer = caller_of(self.client[0]) if self.client else "?"
        status = self._doors.take(self, self._peer)
        if status:
            self._refuse(status, "too many connections", b"retry-after: 1\r\n")
            self.transport.close()  # it is in no list: nobody would close it later

    def connection_lost(self, exc: Exception | None) -> None:
        """Let it go."""
        self._doors.let_go(self, self._peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a header that grows too large ends the connection."""
        if self._phase == REFUSED:
            return
        if self._phase == IDLE:
            self._begin(HEAD)
        if self._phase == HEAD:
            self._head_bytes += len(data)
            if b"pgrade" in data:
                data = _without_upgrade(data)
        super().data_received(data)
        if self._phase == HEAD and self._head_bytes > self._doors.bounds.header_bytes:
            self._refuse(431, "the header is too large")

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The caller has said all it will: what it has asked is answered before we close. TLS knows no half."""
        if self._phase != ANSWER or self.scheme == "https":
            return None
        self._leaving = True
        self.last()
        return True

    def on_message_begin(self) -> None:
        """A request begins, perhaps behind another one."""
        super().on_message_begin()
        if self._phase != HEAD:
            self._begin(HEAD)

    def on_headers_complete(self) -> None:
        """The header has come whole."""
        most = self._doors.bounds.header_bytes
        if self._head_bytes > most and sum(len(name) + len(value) + 4 for name, value in self.headers) > most:
            self._refuse(431, "the header is too large")
        if self._phase == REFUSED:
            return
        self._begin(BODY)
        super().on_headers_complete()
        if self._doors.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        if self._phase != REFUSED:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has come whole."""
        if self._phase == REFUSED:
            return
        self._phase = ANSWER
        super().on_message_complete()
        if self.cycle.response_complete:
            self._rest()

    def on_response_complete(self) -> None:
        """An answer is written: begin the next one that waits, else rest.

        Without uvicorn's timer a request, which would also take half a header for silence: the sweep tells them apart.
        A request that has begun to come behind the answered one has its time from now.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._phase == ANSWER:
            self._rest()
            return
        self._since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; an answer that is under way to a whole request before it goes first."""
        cycle = self._under_way()
        if cycle is None or cycle.more_body:
            self._refuse(400, "not a valid HTTP request")
        else:
            cycle.keep_alive = False
            self._phase = REFUSED

    def last(self) -> None:
        """Let the answer that is under way be the last one."""
        cycle = self._under_way()
        if cycle is not None:
            cycle.keep_alive = False

    def shutdown(self) -> None:
        """Drain: a request whose header or body is still coming is waited for and answered."""
        self._leaving = True
        if self._phase == BODY:
            self.cycle.keep_alive = False
        elif self._phase != HEAD:
            super().shutdown()

    def swept(self, now_s: float) -> None:
        """Close the connection when what it waits for is late."""
        bounds = self._doors.bounds
        if self.transport.is_closing() or self.flow.write_paused:  # the caller does not read
            self._stuck_s = self._stuck_s or now_s
            if now_s - self._stuck_s > bounds.read_s:
                self._end("unread", abort=True)
            return
        self._stuck_s = 0.0
        if self.flow.read_paused:  # we are late, not the caller
            self._since = now_s
            return
        waited_s = now_s - self._since
        if self._phase == HEAD and waited_s > bounds.header_s:
            if self._under_way() is None:  # else an answer to a request before it is being made
                self._refuse(408, "the header did not come in time")
        elif self._phase == BODY and waited_s > bounds.body_s:
            self._refuse(408, "the body did not come in time")
        elif self._phase == IDLE and waited_s > bounds.idle_s:
            self._end("idle")
        elif self._phase == REFUSED and waited_s > LINGER_S and self._under_way() is None:
            self._end("lingered", abort=True)

    def _begin(self, phase: int) -> None:
        self._phase, self._since, self._head_bytes = phase, self.loop.time(), 0

    def _rest(self) -> None:
        """Wait for the next request, or go."""
        self._begin(IDLE)
        if self._leaving:
            self.transport.close()

    def _under_way(self) -> RequestResponseCycle | None:
        """Return the last request when it is not answered yet."""
        cycle: RequestResponseCycle | None = self.cycle
        return None if cycle is None or cycle.response_complete or cycle.disconnected else cycle

    def _refuse(self, status: int, why: str, headers: bytes = b"") -> None:
        """Answer with an error and close; what the application still says to this connection goes nowhere."""
        self._begin(REFUSED)
        self._doors.refused[f"{status}"] += 1
        cycle = self._under_way()
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.pipeline or (cycle is not None and cycle.response_started):
            self.transport.close()  # in the middle of another answer ours would be read as a part of it
            return
        body = msgspec.json.encode({"error": why})
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
        phrase = HTTPStatus(status).phrase.encode()
        self.transport.write(head % (status, phrase, len(body)) + headers + b"\r\n" + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _end(self, why: str, abort: bool = False) -> None:
        self._doors.refused[why] += why != "lingered"  # that one has been counted by its status
        if abort:
            self.transport.abort()
        else:
            self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """Return the bytes with the wish for another protocol made another header's, as it may be (RFC 9110 §7.8).

    The parser takes what follows such a header for the other protocol: the body of a client that would rather speak
    HTTP/2, as Java's does by default, would be lost.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(rb"\r\nx-\1", head) + end + body
