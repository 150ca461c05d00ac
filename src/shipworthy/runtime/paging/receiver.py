"""One receiver of pages and the one task that speaks to it: a dead one delays no other, nor does one page another.

In: what is owed to it. Out: pages sent, one at a time, the worst first. What fails is sent again after a random time
whose limit doubles, or when the receiver asked for it. That time is the page's own. Only a receiver that does not
answer, or asks for quiet (429), is left alone as a whole; a worse page cuts that short, and so does one at which nobody
has failed to answer yet. What the receiver will never take is not sent again until it changes, somebody writes a file
of the pager, or an hour has passed. A page that fires is never given up. A receiver of alerts that end by themselves
hears them once a minute.

Source of the delay: full jitter, delay = random(0, min(cap, base * 2^n)), M. Brooker, "Exponential Backoff and Jitter".
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from shipworthy.facts import Severity, seed_of
from shipworthy.respond.moments import told
from shipworthy.respond.pages.page import Page, Phase, news
from shipworthy.runtime.paging.listed import Pager, Stamp, stamp_of
from shipworthy.runtime.paging.outbox import Outbox
from shipworthy.runtime.paging.post import Answer
from shipworthy.runtime.paging.speech import Speak

_log = logging.getLogger("shipworthy.paging")
_OURS = -1  # the status of a page that we could not tell ourselves
_RANK = {severity: at for at, severity in enumerate(Severity)}


class Pace(NamedTuple):
    """Seconds: `base_s` and `cap_s` of the delay, `most_s` that a receiver may ask for, `again_s` between two words
    about a page that ends by itself, `within_s` for one request, `refused_s` until what was refused is sent again.
    `tries`: after which the end of a page is given up."""

    base_s: float = 1.0
    cap_s: float = 300.0
    most_s: float = 3600.0
    again_s: float = 60.0
    within_s: float = 10.0
    tries: int = 30
    refused_s: float = 3600.0


class _Failed(NamedTuple):
    """A page that was not taken: why, since when, how often, how often because nobody answered, and the time before
    which it is not sent again. `stamp`: of a page that was refused, the files of the pager as they were."""

    page: Page
    told: str
    since: str
    tries: int
    unanswered: int
    until: float
    stamp: Stamp | None = None


class _Quiet(NamedTuple):
    """A receiver that is left alone. `rank`: of the worst page that was owed then; `asked`: it asked for it."""

    began: float = 0.0
    until: float = 0.0
    rank: int = 0
    asked: bool = False


class Receiver:
    """Sends to one pager. One event loop; `clock` tells since when it fails."""

    def __init__(
        self,
        pager: Pager,
        outbox: Outbox,
        speak: Speak,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        self.pager = pager
        self.sent = self.failed = 0
        self._outbox = outbox
        self._speak = speak
        self._pace = pace
        self._clock = clock
        self._draw = random.Random(seed_of("paging", pager.name))
        self._failed: dict[str, _Failed] = {}
        self._again: dict[str, float] = {}
        self._quiet = _Quiet()
        self._in_a_row = 0
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for what is owed now."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is owed until cancelled."""
        while True:
            self._wake.clear()
            now = time.monotonic()
            waiting = self._waiting()
            page = next((page for at, page in waiting if at <= now), None)
            if page is None:
                await self._rest(min([self._pace.again_s, *(at - now for at, _ in waiting)]))
                continue
            await self._send(page)

    def told(self) -> dict[str, Any]:
        """Return what the status shows of it: no address, no key, nothing that it said."""
        self._forget()
        refused = sorted(key for key, one in self._failed.items() if one.stamp is not None)
        failing = [one for one in self._failed.values() if one.stamp is None]
        worst = min(failing, key=lambda one: (_RANK[one.page.severity], one.since), default=None)
        return {
            "kind": self.pager.kind,
            "ok": not self._failed,
            "failing_since": min((one.since for one in failing), default=""),
            "trouble": "" if worst is None else worst.told,
            "owed": len(self._outbox.owed(self.pager.name)),
            "refused": refused,
            "sent": self.sent,
            "failed": self.failed,
        }

    async def _rest(self, most_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(most_s, 0.001)):  # `wait_for` may lose a cancellation
                await self._wake.wait()

    def _waiting(self) -> list[tuple[float, Page]]:
        """Return what is to be sent and from when: what is owed, then what would end by itself. A page at which nobody
        answered goes behind those that were tried less often: one that breaks the connection stops no other."""
        self._forget()
        name = self.pager.name
        owed = sorted(self._outbox.owed(name), key=self._unanswered)
        waiting = [(self._open_at(page), page) for page in owed]
        if self.pager.kind == "alertmanager":
            due = {page.key: self._again.get(page.key, 0.0) + self._pace.again_s for page in self._outbox.firing(name)}
            soon = {page.key for page in owed if not self._refused(page)}  # what is refused must not end there either
            again = [page for page in self._outbox.firing(name) if page.key not in soon]
            waiting += [(max(self._open_at(page, again=True), due[page.key]), page) for page in again]
        return waiting

    def _before(self, page: Page) -> _Failed | None:
        """Return how this very page failed; one that has changed since has not failed."""
        found = self._failed.get(page.key)
        return found if found is not None and news(found.page) == news(page) else None

    def _refused(self, page: Page) -> bool:
        before = self._before(page)
        return before is not None and before.stamp is not None

    def _unanswered(self, page: Page) -> int:
        before = self._before(page)
        return 0 if before is None else before.unanswered

    def _open_at(self, page: Page, again: bool = False) -> float:
        """Return the time from which a page may be sent. `again`: it was taken before, and is told again."""
        before, quiet = self._before(page), self._quiet
        until = 0.0 if before is None else before.until
        if before is not None and before.stamp is not None and (again or stamp_of(self.pager) != before.stamp):
            until = 0.0
        worse = _RANK[page.severity] < quiet.rank
        cut = not again and (worse or (not quiet.asked and before is None))
        silent = min(quiet.until, quiet.began + self._pace.base_s) if cut else quiet.until
        return max(until, silent)

    async def _send(self, page: Page) -> None:
        try:
            answer = await self._speak(page, self._outbox.heard(self.pager.name, page.key))
        except Exception as problem:  # a fault of ours must not end the only task that speaks to this receiver
            _log.exception("a page could not be told to %s", self.pager.name)
            answer = Answer(_OURS, type(problem).__name__)
        if answer.taken:
            self._took(page)
            return
        self.failed += 1
        if answer.hopeless:
            self._refuse(page, answer)
        else:
            self._fail(page, answer)

    def _took(self, page: Page) -> None:
        self.sent += 1
        self._in_a_row, self._quiet = 0, _Quiet()
        self._failed.pop(page.key, None)
        self._again[page.key] = time.monotonic()
        self._outbox.taken(self.pager.name, page)
        self._again = {key: at for key, at in self._again.items() if self._outbox.heard(self.pager.name, key)}

    def _refuse(self, page: Page, answer: Answer) -> None:
        """Keep it in mind as refused: the same again would be refused again, while the files of the pager are the
        same; what is wrong at the other end is mended within the hour or not."""
        _log.error("%s will not take %s: %s", self.pager.name, page.key, answer.told)
        now = time.monotonic()
        since, tries, unanswered = self._counted(page, answer)
        until, stamp = now + self._pace.refused_s, stamp_of(self.pager)
        self._failed[page.key] = _Failed(page, answer.told, since, tries, unanswered, until, stamp)
        self._again[page.key] = now
        self._outbox.give_up(self.pager.name, page)
        if page.phase is Phase.RESOLVED:
            self._failed.pop(page.key, None)

    def _fail(self, page: Page, answer: Answer) -> float:
        """Keep in mind when it is sent again; return after how many seconds."""
        if not self._failed:
            _log.error("%s does not take pages: %s", self.pager.name, answer.told)
        now = time.monotonic()
        since, tries, unanswered = self._counted(page, answer)
        whole = answer.status in (0, 429)
        wait_s = self._delay(self._in_a_row if whole else tries - 1, answer.retry_after_s)
        if whole:
            self._in_a_row += 1
            rank = min((_RANK[one.severity] for one in self._outbox.owed(self.pager.name)), default=0)
            self._quiet = _Quiet(now, now + wait_s, rank, answer.status == 429)
        until = 0.0 if whole else now + wait_s
        self._failed[page.key] = _Failed(page, answer.told, since, tries, unanswered, until)
        if tries >= self._pace.tries and page.phase is Phase.RESOLVED:
            _log.error("%s never heard the end of %s", self.pager.name, page.key)
            self._outbox.give_up(self.pager.name, page)
            self._failed.pop(page.key)
        return wait_s

    def _counted(self, page: Page, answer: Answer) -> tuple[str, int, int]:
        """Return since when this page fails, how often it has now, and how often because nobody answered."""
        before, first = self._before(page), self._failed.get(page.key)
        since = told(self._clock()) if first is None else first.since
        tries, unanswered = (0, 0) if before is None else (before.tries, before.unanswered)
        return since, tries + 1, unanswered + (answer.status == 0)

    def _delay(self, n: int, asked_s: float | None) -> float:
        most = min(self._pace.cap_s, self._pace.base_s * 2.0 ** min(n, 32))
        asked = min(asked_s or 0.0, self._pace.most_s)
        return max(self._draw.uniform(0.0, most), asked)

    def _forget(self) -> None:
        """Forget the failures of pages that are to be sent no more."""
        name = self.pager.name
        open_ = {page.key for page in (*self._outbox.owed(name), *self._outbox.firing(name))}
        self._failed = {key: one for key, one in self._failed.items() if key in open_}
