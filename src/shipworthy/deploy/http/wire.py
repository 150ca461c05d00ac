"""Bodies in and answers out of an ASGI server: the few lines of HTTP the gateway needs.

In: ASGI's `receive` and `send`. Out: a whole body under a cap, or a response. No framework on the request path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MAX_BODY_BYTES = 1 << 20
DRAIN_BYTES = 8 << 20
JSON = (b"content-type", b"application/json")
encode = msgspec.json.Encoder().encode


class Refusal(Exception):
    """A request that is answered with an error: `status`, one line, and headers."""

    def __init__(self, status: int, why: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(why)
        self.status = status
        self.headers = list(headers)


class Response(NamedTuple):
    """A whole response."""

    status: int
    body: bytes
    headers: Headers


def error(status: int, why: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
    """Return `{"error": why}`, the shape every client of the inference protocol reads."""
    return Response(status, encode({"error": why}), list(headers))


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of that (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


async def read_body(scope: Scope, receive: Receive, most: int = MAX_BODY_BYTES, drain: int = DRAIN_BYTES) -> bytes:
    """Return the whole body. Raises Refusal 413 over `most` bytes, 415 for an encoded body, 400 without its caller.

    A body that is too large, up to `drain` bytes, is read to its end and thrown away: a caller still sending would not
    hear us.
    """
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > drain:
        raise _too_large(most)
    if header(scope, b"content-encoding") not in (None, b"identity"):
        raise Refusal(415, "send the body without a content-encoding")
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refusal(400, "the caller went away")
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > drain:
            raise _too_large(most)
        if size <= most:
            parts.append(part)
    if size > most:
        raise _too_large(most)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the body is over {most} bytes", [(b"connection", b"close")])


async def respond(send: Send, response: Response, kind: tuple[bytes, bytes] = JSON) -> None:
    """Send a response; `kind` is its content type header."""
    length = (b"content-length", b"%d" % len(response.body))
    headers = [kind, length, *response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
