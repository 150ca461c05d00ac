"""One request to somebody who may be slow, broken or lying: bounded in time and size, never redirected.

In: an address, headers and a body. Out: an `Answer`, whatever happened. Plain threads and the standard library: no pool
of ours can be used up by a receiver that hangs, and none of our processes waits for such a thread when it ends. TLS is
verified, no proxy is looked for, and a redirect is an answer like any other: it moves no secret elsewhere.

Source: RFC 9110 §15 (status codes), §10.2.3 (Retry-After: seconds or a date).
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import math
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

MOST_ANSWER: Final = 64 << 10
WITHIN_S: Final = 10.0
NEVER: Final = frozenset({400, 413, 414, 415, 422, 431})  # the same words will not be taken later either
_T = TypeVar("_T")


class Answer(NamedTuple):
    """What became of it. `status` 0: nobody answered. `told`: in a few words, without what the receiver said."""

    status: int
    told: str
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        """True when the receiver has it."""
        return 200 <= self.status < 300

    @property
    def hopeless(self) -> bool:
        """True when it makes no sense to send the same again."""
        return self.status in NEVER


class Post:
    """One POST. `send` blocks its thread; `abort` may be called from any other, and ends it."""

    def __init__(
        self, url: str, headers: Mapping[str, str], body: bytes, context: ssl.SSLContext | None, within_s: float
    ) -> None:
        """`context`: whom to trust, of an https address; None is the system's."""
        self._url = url
        self._headers = {"content-type": "application/json", "user-agent": "shipworthy", **headers}
        self._body = body
        self._context = context
        self._within_s = within_s
        self._connection: http.client.HTTPConnection | None = None
        self._over = False

    def send(self, now: Callable[[], datetime]) -> Answer:
        """Send it and return what became of it. Raises nothing that a receiver can cause."""
        try:
            return self._sent(now)
        except ssl.SSLCertVerificationError as problem:
            return Answer(0, f"its certificate is not trusted: {problem.verify_message}")
        except (OSError, http.client.HTTPException, ValueError) as problem:
            return Answer(0, "no answer in time" if self._over else f"{type(problem).__name__} before an answer")
        finally:
            if self._connection is not None:
                self._connection.close()

    def abort(self) -> None:
        """End it now: what reads or writes there fails at once."""
        self._over = True
        connection = self._connection
        held = connection.sock if connection is not None else None
        if held is not None:
            with contextlib.suppress(OSError):  # it is closed already
                held.shutdown(socket.SHUT_RDWR)

    def _sent(self, now: Callable[[], datetime]) -> Answer:
        parts = urlsplit(self._url)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=self._within_s, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self._within_s)
        self._connection = connection
        connection.connect()
        if self._over:  # what was ended while it connected had nothing to shut
            raise TimeoutError("it was ended before it began")
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", target, self._body, self._headers)
        answered = connection.getresponse()
        wait_s = retry_after(answered.headers.get("retry-after"), now())
        read = len(answered.read(MOST_ANSWER))  # what follows is not waited for: the connection is closed
        if answered.headers.defects or (answered.length and read < MOST_ANSWER):
            return Answer(0, f"it broke off while it answered {answered.status}")
        return Answer(answered.status, _told(answered.status), wait_s)


def retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds that a receiver asks us to wait, None when it says nothing that can be read."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        wait_s = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(wait_s, 0.0) if math.isfinite(wait_s) else None


async def posted(post: Post, now: Callable[[], datetime], within_s: float = WITHIN_S) -> Answer:
    """Send beside the event loop, for so long at most."""
    return await beside(lambda: post.send(now), within_s, post.abort)


async def beside(work: Callable[[], Answer], within_s: float, abort: Callable[[], None] = lambda: None) -> Answer:
    """Run blocking work in a thread of its own; after `within_s` it is aborted and not waited for."""
    running = asyncio.wrap_future(in_thread(work))
    try:
        async with asyncio.timeout(within_s):  # `wait_for` may lose a cancellation
            return await running
    except TimeoutError:
        return Answer(0, "no answer in time")
    finally:
        abort()


def in_thread(work: Callable[[], _T]) -> Future[_T]:
    """Run work in a daemon thread: the end of the process waits for no receiver."""
    future: Future[_T] = Future()

    def run() -> None:
        try:
            made = work()
        except BaseException as problem:  # whoever waits for it hears of it
            with contextlib.suppress(Exception):  # nobody waits any more
                future.set_exception(problem)
            return
        with contextlib.suppress(Exception):  # nobody waits any more
            future.set_result(made)

    threading.Thread(target=run, name="shipworthy-page", daemon=True).start()
    return future


def _told(status: int) -> str:
    if 300 <= status < 400:
        return f"it answered {status}: redirects are not followed"
    return f"it answered {status}"
