"""Pushing metrics to an OTLP receiver, once a minute, off the request path.

In: where, and what is told of the moment. Out: requests. A receiver that is slow, gone or refuses costs one line in the
log and nothing else: totals are cumulative, so the next push brings what this one could not.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import msgspec

from shipworthy.errors import Unreachable, UsageError
from shipworthy.runtime.exports.families import Family, Labels
from shipworthy.runtime.exports.otlp import PATH, body_of

EVERY_S = 60.0
WITHIN_S = 10.0
_log = logging.getLogger("shipworthy.otlp")


class Push:
    """One receiver. Raises UsageError for what is no http or https address."""

    def __init__(self, url: str, every_s: float = EVERY_S, now_ns: Callable[[], int] = time.time_ns) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or "@" in parts.netloc:
            raise UsageError("not an address of a receiver", "--otlp", "write http://HOST:PORT, without a password")
        self._parts = parts
        self._every_s = every_s
        self._now_ns = now_ns
        self._began = now_ns()

    async def every(self, told: Callable[[], Iterable[Family]], resource: Labels) -> None:
        """Push until cancelled. `told` is called here, on the loop; sending happens in a thread."""
        while True:
            await asyncio.sleep(self._every_s)
            body = msgspec.json.encode(body_of(told(), resource, self._began, self._now_ns()))
            try:
                await asyncio.to_thread(self.send, body)
            except Exception as problem:  # whatever it is, the next push is tried: totals are cumulative
                _log.warning("%s", problem)

    def send(self, body: bytes) -> None:
        """Send one body. Raises Unreachable unless the receiver takes it."""
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=WITHIN_S)
        where = f"{self._parts.scheme}://{self._parts.netloc}"
        try:
            connection.request("POST", self._parts.path.rstrip("/") + PATH, body, {"content-type": "application/json"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as problem:
            raise Unreachable(f"metrics were not taken: {problem}", where, "the next push brings them") from problem
        finally:
            connection.close()
        if status != 200:
            raise Unreachable(f"metrics were refused with status {status}", where, "see the log of the receiver")
