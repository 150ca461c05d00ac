"""Bodies in and answers out of an ASGI server: the few lines of HTTP the gateway needs.

In: ASGI's `receive` and `send`. Out: a whole body under a cap, inflated if it came compressed, or a response. No
framework on the request path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

import msgspec

from shipworthy.deploy.http.inflate import Inflated

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MAX_BODY_BYTES = 1 << 20
DRAIN_BYTES = 8 << 20
JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
RAW = (b"content-type", b"application/octet-stream")
encode = msgspec.json.Encoder().encode


class Refusal(Exception):
    """A request that is answered with an error: `status`, one line, and headers."""

    def __init__(self, status: int, why: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(why)
        self.status = status
        self.headers = list(headers)


class Response(NamedTuple):
    """A whole response. `kind`: its content type header."""

    status: int
    body: bytes
    headers: Headers
    kind: tuple[bytes, bytes] = JSON


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
    """Return the whole body. Raises Refusal 413 over `most` bytes, as sent or inflated, 415 for an encoding that is
    unknown or broken, 400 without its caller.

    A body that is too large, up to `drain` bytes, is read to its end and thrown away: a caller still sending would not
    hear us.
    """
    inflated = _begun(scope, most, drain)
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
            parts.append(part if inflated is None else inflated.add(part))
    if size > most or (inflated is not None and inflated.over):
        raise _too_large(most)
    if inflated is not None and inflated.wrong:
        raise Refusal(415, f"the body is not {inflated.encoding}: {inflated.wrong}")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _begun(scope: Scope, most: int, drain: int) -> Inflated | None:
    """Return what inflates this body, None for one that is sent as it is. Raises Refusal before anything is read."""
    encoding = b""
    for key, value in scope["headers"]:
        if key == b"content-length" and value.isdigit() and int(value) > drain:
            raise _too_large(most)
        if key == b"content-encoding":
            encoding = bytes(value).strip().lower()
    if encoding in (b"", b"identity"):
        return None
    if encoding not in Inflated.KNOWN:
        raise Refusal(415, "the body may be encoded as gzip or deflate only", [(b"accept-encoding", b"gzip, deflate")])
    return Inflated(encoding.decode(), most)


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the body is over {most} bytes", [(b"connection", b"close")])


async def respond(send: Send, response: Response, kind: tuple[bytes, bytes] | None = None) -> None:
    """Send a response; `kind` is another content type header than its own."""
    length = (b"content-length", b"%d" % len(response.body))
    headers = [kind or response.kind, length, *response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
