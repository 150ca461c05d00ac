"""Requests of the synthetic tenant, over real connections to a running gateway, while a drill looks at the answers.

In: where the gateway listens, a drill's token, rows, and what counts as safe. Out: answers with the moments they were
sent and had come, by a monotonic timer. A few threads ask one row after another and never stop by themselves for long:
each request has an end, and a connection is made anew after some, so that every worker is met.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from shipworthy.deploy.http.drills import ASKED, HEADER
from shipworthy.errors import Unreachable
from shipworthy.facts import Decider, Posture, Source
from shipworthy.runtime.address import Serving

THREADS: Final = 4
EVERY_S: Final = 0.01
WITHIN_S: Final = 3.0
PER_CONNECTION: Final = 16
MOST: Final = 20_000


class Answer(NamedTuple):
    """One answer. `posture`: under which it was decided; `asked`: the candidate was; `error`: "" for a decision."""

    sent_s: float
    got_s: float
    version: str = ""
    arm: str = ""
    posture: Posture | None = None
    epoch: int = -1
    asked: bool = False
    error: str = ""


class Probes:
    """Asks until stopped. Use as a context manager; `answers` grows meanwhile."""

    def __init__(
        self,
        target: Serving,
        token: str,
        rows: Sequence[Mapping[str, Any]],
        timer: Callable[[], float] = time.monotonic,
        threads: int = THREADS,
    ) -> None:
        self._target = target
        self._bodies = [msgspec.json.encode({"row": row}) for row in rows]
        self._headers = {"content-type": "application/json", HEADER.decode(): token}
        self._timer = timer
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(at,), daemon=True) for at in range(threads)]
        self.answers: list[Answer] = []

    def __enter__(self) -> Probes:
        if not self._bodies:
            raise Unreachable("the release has no rows to ask about", "drill", "declare a dataset `calibration`")
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * WITHIN_S)

    def pause(self) -> None:
        """Wait for a moment, for more answers."""
        self._stop.wait(EVERY_S)

    def _ask(self, at: int) -> None:
        connection, used = connected(self._target), 0
        while not self._stop.is_set() and len(self.answers) < MOST:
            self.answers.append(self._one(connection, self._bodies[at % len(self._bodies)]))
            at, used = at + len(self._threads), used + 1
            if used >= PER_CONNECTION or self.answers[-1].error:
                connection.close()
                connection, used = connected(self._target), 0
            self._stop.wait(EVERY_S)
        connection.close()

    def _one(self, connection: http.client.HTTPConnection, body: bytes) -> Answer:
        sent_s = self._timer()
        try:
            connection.request("POST", "/decide", body, self._headers)
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            return Answer(sent_s, self._timer(), error=f"{type(problem).__name__}: {problem}")
        return read_answer(sent_s, self._timer(), answer.status, answer, told)


def read_answer(sent_s: float, got_s: float, status: int, headers: http.client.HTTPResponse, body: bytes) -> Answer:
    """Return what an answer says of itself in its headers."""
    if status not in (200, 202):
        return Answer(sent_s, got_s, error=f"{status}: {body[:200].decode('utf-8', 'replace')}")
    source, _, decider = headers.getheader("x-shipworthy-posture", "").partition("/")
    try:
        posture = Posture(source=Source(source), decider=Decider(decider))
        epoch = int(headers.getheader("x-shipworthy-epoch", ""))
    except ValueError:
        return Answer(sent_s, got_s, error="an answer without a posture: is it a gateway of ours?")
    return Answer(
        sent_s=sent_s,
        got_s=got_s,
        version=headers.getheader("x-shipworthy-version", ""),
        arm=headers.getheader("x-shipworthy-arm", ""),
        posture=posture,
        epoch=epoch,
        asked=headers.getheader(ASKED.decode(), "0") == "1",
    )


def connected(target: Serving, within_s: float = WITHIN_S) -> http.client.HTTPConnection:
    """Return a connection to a gateway, not opened yet. Its own certificate is what it is known by, whatever name."""
    parts = urlsplit(target.url)
    if parts.scheme != "https":
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=within_s)
    context = ssl.create_default_context(cafile=target.cert or None)
    if target.cert:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=within_s, context=context)


def check_reached(target: Serving) -> None:
    """Raise Unreachable unless something takes connections there."""
    connection = connected(target)
    try:
        connection.connect()
    except OSError as problem:
        raise Unreachable(f"the gateway does not answer: {problem}", target.url, "is it overloaded, or gone?") from None
    finally:
        connection.close()
