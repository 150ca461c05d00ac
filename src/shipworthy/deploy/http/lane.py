"""The fast lane of a connection: whole plain requests to the paths of decisions go round the ASGI layers.

In: the bytes of one connection. Out: the same answers as through ASGI, at a third of the server's cost. Only what is
read without doubt is taken: a request that came whole, in one piece, with one `Content-Length`, no other framing and
nothing asked of the connection. Everything else, and everything behind a proxy's headers, goes the ordinary way.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from shipworthy.deploy.http.door import ANSWER, IDLE, Door, Doors
from shipworthy.deploy.http.gateway import Quick
from shipworthy.deploy.http.wire import MAX_BODY_BYTES, Headers, Response

MOST_HEADS: Final = 512
MOST_HEAD: Final = 4_096
MOST_HELD: Final = 65_536
_LINE: Final = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
_FIRST: Final = re.compile(rb"POST (/[A-Za-z0-9/_.-]*) HTTP/1\.1")
_NOT_HERE: Final = frozenset(
    {
        b"transfer-encoding", b"expect", b"upgrade", b"content-encoding", b"trailer", b"te", b"x-forwarded-for",
        b"x-forwarded-proto", b"proxy-connection", b"keep-alive",
    }
)  # fmt: skip
_STATUS: Final = {one.value: b"HTTP/1.1 %d %s\r\n" % (one.value, one.phrase.encode()) for one in HTTPStatus}


class Head(NamedTuple):
    """What a header says: where to, how long the body is, and all its fields."""

    path: str
    length: int
    headers: Headers


def read_head(head: bytes) -> Head | None:
    """Return what a header says; None when the fast lane does not take it.

    >>> read_head(b"POST /decide HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 2")
    Head(path='/decide', length=2, headers=[(b'host', b'a'), (b'content-length', b'2')])
    """
    first, *lines = head.split(b"\r\n")
    found = _FIRST.fullmatch(first)
    fields = [_LINE.fullmatch(line) for line in lines]
    if found is None or None in fields:
        return None
    headers = [(field[1].lower(), field[2]) for field in fields if field is not None]
    names = [name for name, _ in headers]
    told = dict(headers)
    length = told.get(b"content-length", b"")
    plain = (
        names.count(b"content-length") == 1
        and names.count(b"host") == 1
        and length.isdigit()
        and len(length) <= 8
        and names.count(b"connection") <= 1
        and told.get(b"connection", b"keep-alive").lower() == b"keep-alive"
        and _NOT_HERE.isdisjoint(names)
    )
    return Head(found[1].decode("ascii"), int(length), headers) if plain else None


class Heads:
    """Headers that were read before: a caller that keeps its connection says the same each time."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Head | None] = {}

    def __len__(self) -> int:
        return len(self._known)

    def read(self, head: bytes) -> Head | None:
        """Return what `read_head` returns."""
        if head in self._known:
            return self._known[head]
        if len(head) > MOST_HEAD:
            return None
        if len(self._known) >= MOST_HEADS:
            self._known.clear()
        found = self._known[head] = read_head(head)
        return found


class Lane(Door):
    """A connection with a fast lane."""

    def __init__(
        self,
        doors: Doors,
        quick: Mapping[str, Quick],
        heads: Heads,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(doors, *args, **kwargs)
        self._quick = quick
        self._heads = heads
        self._task: asyncio.Task[None] | None = None
        self._held = b""
        self._last = False
        self._dated: tuple[object, bytes] = (None, b"")

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        if self._task is not None:  # behind the request that is being answered
            self._held += data
            if len(self._held) > MOST_HELD:
                self.flow.pause_reading()
            return
        if self._phase == IDLE and not self._doors.draining and not self.flow.write_paused:
            end = data.find(b"\r\n\r\n")
            head = self._heads.read(data[:end]) if end > 0 else None
            if head is not None and len(data) == end + 4 + head.length and head.length <= MAX_BODY_BYTES:
                quick = self._quick.get(head.path)
                if quick is not None:
                    self._begin(ANSWER)
                    self._unset_keepalive_if_required()
                    self._task = self.loop.create_task(self._answer(quick, head, data[end + 4 :]))
                    return
        super().data_received(data)

    async def _answer(self, quick: Quick, head: Head, body: bytes) -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": head.path,
            "query_string": b"",
            "headers": head.headers,
            "client": self.client,
            "scheme": self.scheme,
        }
        try:
            response = await quick(scope, body)
            if not self.transport.is_closing():
                self.transport.write(self._wire(response))
        finally:
            self._answered()

    def _answered(self) -> None:
        self._task = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        held, self._held = self._held, b""
        if not held:
            if self._last or self._doors.draining:
                self.transport.close()
            else:
                self._rest()
            return
        self._begin(IDLE)
        self.flow.resume_reading()
        self.data_received(held)  # it has come before the caller half closed, or before we were told to leave
        if self._last and not self._busy():
            self.transport.close()

    def _busy(self) -> bool:
        return self._task is not None or self._under_way() is not None

    def _wire(self, response: Response) -> bytes:
        status, body, headers, (_, kind) = response
        parts = [_STATUS[status], b"content-type: ", kind, b"\r\ncontent-length: %d\r\n" % len(body), self._date()]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        if self._last or self._leaving or self._doors.draining:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", body)
        return b"".join(parts)

    def _date(self) -> bytes:
        """Return the server's own header lines, which it renews once a second."""
        default = self.server_state.default_headers
        if self._dated[0] is not default:
            self._dated = default, b"".join(b"%b: %b\r\n" % one for one in default)
        return self._dated[1]

    def last(self) -> None:
        """Let the answer that is under way be the last one."""
        if self._task is not None:
            self._last = True
        else:
            super().last()

    def shutdown(self) -> None:
        """Drain: what is under way is answered."""
        if self._task is not None:
            self._leaving = self._last = True
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone: what is under way is finished all the same, and told to nobody."""
        self._held = b""
        super().connection_lost(exc)
