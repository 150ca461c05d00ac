"""What only the control process can answer, asked of it by a worker: status, labels, metrics, the API.

In: an ASGI request whose path is not a decision. Out: the control process's answer, or a 503 while it is not there: a
label that was not taken is sent again by its owner, a page is asked for again. Decisions never come this way. A body is
read here before the control process sees the token that came with it: so it is bounded here in time and, where tokens
are asked for, in size, as it is there.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from shipworthy.deploy.http.wire import (
    DRAIN_BYTES,
    MAX_BODY_BYTES,
    Headers,
    Receive,
    Refusal,
    Response,
    Scope,
    Send,
    error,
    read_body,
    respond,
)

NAME = "control.sock"
WITHIN_S = 10.0
MOST_ANSWER: Final = 64 << 20
BODY_WITHIN_S: Final = 5.0  # six times that for labels, which come from slow lines and are many
MOST_OF_HOOK: Final = 1 << 20  # what the webhook of Alertmanager reads, the largest of them
WITH_TOKENS: Final = ("/hooks/", "/api/", "/rollouts/")
_AWAY: Final = [(b"retry-after", b"1")]
_HOPS: Final = frozenset(
    {b"connection", b"host", b"content-length", b"transfer-encoding", b"keep-alive", b"upgrade", b"te", b"trailer"}
)
_READ_HERE: Final = frozenset({b"expect", b"content-encoding", b"x-forwarded-for"})


class Forward:
    """An ASGI application over the control process's socket."""

    def __init__(self, run: Path, within_s: float = WITHIN_S, body_within_s: float = BODY_WITHIN_S) -> None:
        self._path = run / NAME
        self._within_s = within_s
        self._body_within_s = body_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            body = await self._body(scope, receive)
            async with asyncio.timeout(self._within_s):
                answer, kind = await self._asked(scope, body)
        except Refusal as refusal:
            await respond(send, error(refusal.status, str(refusal), refusal.headers))
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            await respond(send, error(503, "the control process does not answer; decisions go on", _AWAY))
        else:
            await respond(send, answer, (b"content-type", kind))

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body. Raises Refusal for one that is too large or too slow."""
        small = scope["path"].startswith(WITH_TOKENS)
        most, drain = (MOST_OF_HOOK, MOST_OF_HOOK) if small else (MAX_BODY_BYTES, DRAIN_BYTES)
        try:
            async with asyncio.timeout(self._body_within_s if small else 6 * self._body_within_s):
                return await read_body(scope, receive, most, drain)
        except TimeoutError as late:
            raise Refusal(408, "the body did not come in time", [(b"connection", b"close")]) from late

    async def _asked(self, scope: Scope, body: bytes) -> tuple[Response, bytes]:
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            writer.write(_request(scope, body))
            await writer.drain()
            raw = await reader.read(MOST_ANSWER)
            while more := await reader.read(MOST_ANSWER):
                raw += more
                if len(raw) > MOST_ANSWER:
                    raise ValueError("the answer is too large")
        finally:
            writer.close()
        return _answer(raw, scope["method"] == "HEAD")


def _request(scope: Scope, body: bytes) -> bytes:
    target = scope.get("raw_path") or scope["path"].encode("utf-8")
    if scope.get("query_string"):
        target += b"?" + scope["query_string"]
    peer = scope.get("client")
    lines = [b"%b %b HTTP/1.1" % (scope["method"].encode(), target), b"host: control", b"connection: close"]
    lines += [
        b"%b: %b" % (name, value) for name, value in scope["headers"] if name not in _HOPS and name not in _READ_HERE
    ]
    lines.append(b"content-length: %d" % len(body))
    if peer:
        lines.append(b"x-forwarded-for: %b" % str(peer[0]).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _answer(raw: bytes, headless: bool = False) -> tuple[Response, bytes]:
    """Read a whole response. Raises ValueError for what is none, or is cut off."""
    head, found, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ", 2)
    if not found or len(parts) < 2 or not parts[1].isdigit():
        raise ValueError("not an HTTP response")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    if not headless and headers.get(b"content-length") != b"%d" % len(body):
        raise ValueError("the response is cut off")
    kind = headers.pop(b"content-type", b"application/json")
    kept: Headers = [(name, value) for name, value in headers.items() if name not in (*_HOPS, b"date", b"server")]
    return Response(int(parts[1]), body, kept), kind
