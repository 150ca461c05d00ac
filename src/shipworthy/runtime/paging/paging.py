"""Paging of one site: looks at what holds, keeps the outbox, and lets each receiver be told by a task of its own.

In: a site, its store and its pagers. Out: pages on their way, and what the status and the metrics tell of them. Nothing
of the site waits for any of this: looking is done in memory, the store is read and written in threads of their own, and
with the store dead pages leave from memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

from shipworthy.errors import ShipworthyError
from shipworthy.facts import Entry
from shipworthy.respond.lies import WARNED_AS
from shipworthy.respond.pages.notices import notice
from shipworthy.respond.pages.owed import Judged, parted
from shipworthy.respond.pages.page import Phase
from shipworthy.runtime.exports.families import Family
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.outbox import KEPT_AS, Kept, Outbox, read_kept, write_kept
from shipworthy.runtime.paging.post import in_thread
from shipworthy.runtime.paging.receiver import Pace, Receiver
from shipworthy.runtime.paging.seen import SiteLike, judged_of, seen_of, shower
from shipworthy.runtime.paging.speech import speak_to
from shipworthy.runtime.workspace import wall_clock

LOOK_S: Final = 0.5
CHUNK: Final = 1_000
LEAVE_S: Final = 2.0
NOBODY: Final = "a high-stakes model is served and nobody is paged: give --pagers FILE"
_log = logging.getLogger("shipworthy.paging")


class StoreLike(Protocol):
    """What is asked of the store."""

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, value: bytes) -> None: ...
    def entries(self, start: int = 0, stop: int | None = None) -> Iterable[Entry]: ...


class Paging:
    """One event loop. `clock` is the site's; `wall` the time that receivers live in."""

    def __init__(
        self,
        site: SiteLike,
        store: StoreLike,
        clock: Callable[[], datetime],
        mac_key: bytes,
        pagers: Sequence[Pager] = (),
        pace: Pace = Pace(),  # noqa: B008 - a frozen value
        wall: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._site = site
        self._store = store
        self._clock = clock
        self._show = shower(site.manifest, mac_key)
        self._began = clock()
        self.trouble = ""
        kept, self._saved = self._read() if pagers else (Kept(), b"")
        self._outbox = Outbox(kept, {one.name: one.severities for one in pagers})
        self.receivers = tuple(
            Receiver(one, self._outbox, speak_to(one, wall, pace.within_s), pace, clock) for one in pagers
        )
        self._judged: tuple[str, tuple[Judged, ...]] = ("-", ())
        self._tailing: asyncio.Future[list[Entry]] | None = None
        self._saving: asyncio.Future[None] | None = None

    @property
    def warning(self) -> str:
        """What must be shown in red: high stakes and nobody to page; "" when all is well."""
        return NOBODY if self._site.manifest.stakes == "high" and not self.receivers else ""

    async def run(self, every_s: float = LOOK_S) -> None:
        """Look and send until cancelled; what is owed then is kept."""
        in_thread(lambda: self._store.put(WARNED_AS, self.warning.encode()))
        if not self.receivers:
            return
        tasks = [asyncio.create_task(one.run()) for one in self.receivers]
        try:
            while True:
                try:
                    self.look()
                except Exception as problem:  # a look that fails must not end the paging
                    self.trouble = f"{type(problem).__name__}: {problem}"
                    _log.exception("what must be paged could not be worked out; it is tried again")
                await asyncio.sleep(every_s)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._leave()

    def look(self) -> None:
        """Work out what fires now; wake the receivers, and have it kept."""
        self.trouble = ""
        now, until = self._clock(), self._site.controller.judged_until
        if self._judged[0] != until:
            self._judged = (until, tuple(judged_of(self._site.controller)))
        seen = seen_of(self._site, now, self._began, self._judged[1], self._show, self._outbox.incidents)
        self._tail()
        # State that cannot be read, and judgements that are not made yet, end nothing: they only do not show it.
        firing, cut = parted(seen)
        self._outbox.take(firing, now, bool(until) and not seen.broken, cut)
        for one in self.receivers:
            one.wake()
        self._save()

    def told(self) -> dict[str, Any]:
        """Return what the status shows: `pagers` by name, and what is wrong with paging as a whole."""
        firing = [page for page in self._outbox.pages.values() if page.phase is not Phase.RESOLVED]
        return {
            "warning": self.warning,
            "trouble": self.trouble,
            "firing": len(firing),
            "pagers": {one.pager.name: one.told() for one in self.receivers},
        }

    def families(self) -> tuple[Family, ...]:
        """Return the metrics of paging."""
        told = [((("pager", name),), one) for name, one in self.told()["pagers"].items()]
        named = (
            ("pages_owed", "gauge", "Pages that a receiver has not taken yet.", "owed"),
            ("pager_ok", "gauge", "1 when the receiver took what it was sent last.", "ok"),
            ("pages_sent_total", "counter", "Pages that a receiver took.", "sent"),
            ("pages_failed_total", "counter", "Attempts that a receiver did not take.", "failed"),
        )
        return tuple(
            Family(f"shipworthy_{name}", kind, "1", text, tuple((labels, float(one[key])) for labels, one in told))
            for name, kind, text, key in named
        )

    def _read(self) -> tuple[Kept, bytes]:
        """Return what was owed when the last run ended; where it cannot be read, pages are sent anew."""
        try:
            raw = self._store.get(KEPT_AS)
            return read_kept(raw), raw or b""
        except (ShipworthyError, ValueError) as problem:
            _log.error("the outbox cannot be read, what fires is sent anew: %s", problem)
            return Kept(), b""

    def _tail(self) -> None:
        """Take in the ledger entries that came, and ask for the next ones. One question at a time."""
        if self._tailing is not None:
            if not self._tailing.done():
                return
            asked, self._tailing = self._tailing, None
            if (problem := asked.exception()) is not None:
                self.trouble = f"the ledger is not read: {problem}"
            elif entries := asked.result():
                manifest = self._site.manifest
                made = [notice(entry, manifest.model, manifest.on_call) for entry in entries]
                holding = [held.order.id for held in self._site.controller.live.state.orders]
                self._outbox.read(entries, [page for page in made if page is not None], holding)
        start = max(self._outbox.seq, 0)
        self._tailing = asyncio.wrap_future(in_thread(lambda: list(self._store.entries(start, start + CHUNK))))

    def _save(self) -> None:
        """Have it kept when it has changed. One write at a time; what fails is tried at the next look."""
        if self._saving is not None:
            if not self._saving.done():
                return
            wrote, self._saving = self._saving, None
            if (problem := wrote.exception()) is not None:
                self._saved = b""
                self.trouble = f"what is owed is not kept: {problem}"
        raw = write_kept(self._outbox.kept())
        if raw != self._saved:
            self._saved = raw
            self._saving = asyncio.wrap_future(in_thread(lambda: self._store.put(KEPT_AS, raw)))

    async def _leave(self) -> None:
        """Keep what is owed; a store that hangs is waited for no longer than this."""
        if self._tailing is not None:
            self._tailing.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                for _ in range(2):  # what is being written, then what came since
                    self._save()
                    if self._saving is not None:
                        await asyncio.wait([self._saving])
