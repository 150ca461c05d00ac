"""One receiver of pages and the one task that speaks to it: a dead one delays no other.

In: what is owed to it. Out: pages sent, one at a time, the worst first. What fails is sent again after a random time
whose limit doubles, or when the receiver asked for it; what the receiver will never take is not sent again until it
changes. A page that fires is never given up. A receiver of alerts that end by themselves hears them once a minute.

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

from shipworthy.facts import seed_of
from shipworthy.respond.moments import told
from shipworthy.respond.pages.page import Page, Phase, news
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.outbox import Outbox
from shipworthy.runtime.paging.post import Answer
from shipworthy.runtime.paging.speech import Speak

_log = logging.getLogger("shipworthy.paging")


class Pace(NamedTuple):
    """Seconds: `base_s` and `cap_s` of the delay, `most_s` that a receiver may ask for, `again_s` between two words
    about a page that ends by itself, `within_s` for one request. `tries`: after which the end of a page is given up."""

    base_s: float = 1.0
    cap_s: float = 300.0
    most_s: float = 3600.0
    again_s: float = 60.0
    within_s: float = 10.0
    tries: int = 30


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
        self._refused: dict[str, Page] = {}
        self._tries: dict[str, int] = {}
        self._again: dict[str, float] = {}
        self._in_a_row = 0
        self._failing_since = self._trouble = ""
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for what is owed now."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is owed until cancelled."""
        while True:
            self._wake.clear()
            page = self._next()
            if page is None:
                await self._rest(self._until_again())
                continue
            wait_s = await self._send(page)
            if wait_s:
                await asyncio.sleep(wait_s)

    def told(self) -> dict[str, Any]:
        """Return what the status shows of it: no address, no key, nothing that it said."""
        refused = sorted(key for key in self._refused if key in self._outbox.pages)
        return {
            "kind": self.pager.kind,
            "ok": not self._trouble and not refused,
            "failing_since": self._failing_since,
            "trouble": self._trouble,
            "owed": len(self._outbox.owed(self.pager.name)),
            "refused": refused,
            "sent": self.sent,
            "failed": self.failed,
        }

    async def _rest(self, most_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):  # `wait_for` may lose a cancellation
                await self._wake.wait()

    def _next(self) -> Page | None:
        """Return the page to send now: one that is owed, or one that would end by itself."""
        name = self.pager.name
        for page in self._outbox.owed(name):
            refused = self._refused.get(page.key)
            if refused is None or news(refused) != news(page):
                return page
        if self.pager.kind == "alertmanager":
            late = time.monotonic() - self._pace.again_s
            return next((page for page in self._outbox.firing(name) if self._again.get(page.key, 0.0) <= late), None)
        return None

    def _until_again(self) -> float:
        due = [self._again.get(page.key, 0.0) for page in self._outbox.firing(self.pager.name)]
        if self.pager.kind != "alertmanager" or not due:
            return self._pace.again_s
        return max(min(due) + self._pace.again_s - time.monotonic(), 0.01)

    async def _send(self, page: Page) -> float:
        """Send a page; return how long to wait before the next word."""
        try:
            answer = await self._speak(page, self._outbox.heard(self.pager.name, page.key))
        except Exception as problem:  # a fault of ours must not end the only task that speaks to this receiver
            _log.exception("a page could not be told to %s", self.pager.name)
            answer = Answer(0, type(problem).__name__)
        if answer.taken:
            return self._took(page)
        self.failed += 1
        if answer.hopeless:
            self._refuse(page, answer)
            return 0.0
        return self._failed(page, answer)

    def _took(self, page: Page) -> float:
        self.sent += 1
        self._in_a_row, self._failing_since, self._trouble = 0, "", ""
        self._tries.pop(page.key, None)
        self._refused.pop(page.key, None)
        self._again[page.key] = time.monotonic()
        self._outbox.taken(self.pager.name, page)
        self._again = {key: at for key, at in self._again.items() if self._outbox.heard(self.pager.name, key)}
        return 0.0

    def _refuse(self, page: Page, answer: Answer) -> None:
        """Keep it in mind as refused: the same again would be refused again."""
        _log.error("%s will not take %s: %s", self.pager.name, page.key, answer.told)
        self._refused[page.key] = page
        self._again[page.key] = time.monotonic()
        self._outbox.give_up(self.pager.name, page)
        if page.phase is Phase.RESOLVED:
            self._refused.pop(page.key, None)

    def _failed(self, page: Page, answer: Answer) -> float:
        if not self._failing_since:
            self._failing_since = told(self._clock())
            _log.error("%s does not take pages: %s", self.pager.name, answer.told)
        self._trouble = answer.told
        self._tries[page.key] = self._tries.get(page.key, 0) + 1
        if self._tries[page.key] >= self._pace.tries and page.phase is Phase.RESOLVED:
            _log.error("%s never heard the end of %s", self.pager.name, page.key)
            self._outbox.give_up(self.pager.name, page)
            self._tries.pop(page.key)
        most = min(self._pace.cap_s, self._pace.base_s * 2.0 ** min(self._in_a_row, 32))
        self._in_a_row += 1
        asked = min(answer.retry_after_s or 0.0, self._pace.most_s)
        return max(self._draw.uniform(0.0, most), asked)
