"""Which pages are owed to whom: one record of the store that outlives us.

In: the pages that fire now, notices from the ledger, and what each receiver took. Out: what is still owed to each. All
of it is one value of the store, written whole: how far the ledger was read, and the pages that came of it, are never
apart. A page is owed until the receiver said that it has it; what was sent and not written down is sent twice, which
the key of the page makes once for people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from shipworthy.facts import Entry, Fact, Severity, canonical
from shipworthy.respond.pages import notices
from shipworthy.respond.pages.page import Page, Phase, going_on, news

KEPT_AS: Final = "paging/outbox"
_TELL_OF_ORDERS: Final = frozenset(
    {"respond.incident_opened", "respond.incident_extended", "respond.incident_reopened"}
)
MOST: Final = 1_000


class Kept(Fact, frozen=True, kw_only=True):
    """What outlives us. `seq`: the next ledger entry to read, -1 when none was. `notices`: pages of single entries that
    still fire. `heard`: by receiver and key, the page as it was last taken; `hears`: severities by receiver.
    `incidents`: ids by order."""

    seq: int = -1
    pages: dict[str, Page] = {}
    notices: dict[str, Page] = {}
    heard: dict[str, dict[str, Page]] = {}
    hears: dict[str, tuple[Severity, ...]] = {}
    incidents: dict[str, str] = {}


def read_kept(raw: bytes | None) -> Kept:
    """Return what was kept. Raises ValueError (msgspec.DecodeError) when it is not ours."""
    return Kept() if raw is None else msgspec.json.decode(raw, type=Kept)


def write_kept(kept: Kept) -> bytes:
    """Return the bytes to keep."""
    return canonical(kept)


class Outbox:
    """Pages owed to receivers. `hears`: severities by receiver. One event loop."""

    def __init__(self, kept: Kept, hears: Mapping[str, Sequence[Severity]]) -> None:
        self._hears = {name: frozenset(severities) for name, severities in hears.items()}
        self.seq = kept.seq
        self.pages = dict(kept.pages)
        self._notices = dict(kept.notices)
        self._heard = {name: dict(kept.heard.get(name, {})) for name in hears}
        self.incidents = dict(kept.incidents)

    def kept(self) -> Kept:
        """Return what must outlive us."""
        return Kept(
            seq=self.seq,
            pages=self.pages,
            notices=self._notices,
            heard=self._heard,
            hears={name: tuple(sorted(severities)) for name, severities in self._hears.items()},
            incidents=self.incidents,
        )

    def read(self, entries: Iterable[Entry], made: Iterable[Page], holding: Iterable[str]) -> None:
        """Take the next ledger entries in, with the notices that were `made` of them. `holding`: orders that hold."""
        for entry in entries:
            self.seq = max(self.seq, entry.seq + 1)
            if entry.kind in _TELL_OF_ORDERS:
                told = entry.body.get("incident") or {}
                self.incidents |= {str(order): str(told.get("id", "")) for order in told.get("orders", ())}
        for page in made:
            self._notices[page.key] = page
        orders = set(holding)
        self.incidents = {order: name for order, name in self.incidents.items() if order in orders}

    def take(
        self, firing: Iterable[Page], now: datetime, whole: bool = True, cut: Collection[str] = frozenset()
    ) -> None:
        """Follow what fires now; what fires no more has ended, unless what was looked at is not the `whole`. `cut`:
        keys of what fires too, and is not among `firing` because that is too much."""
        self._notices = {key: page for key, page in self._notices.items() if not notices.is_over(page, now)}
        told = {**self._notices, **{page.key: page for page in firing}}
        for key, page in told.items():
            self.pages[key] = going_on(self.pages.get(key), page)
        for key, page in list(self.pages.items()):
            if whole and key not in told and key not in cut and page.phase is not Phase.RESOLVED:
                self.pages[key] = notices.ended(page, now)
        self._forget()

    def owed(self, name: str) -> tuple[Page, ...]:
        """Return what a receiver has not taken yet, the worst and oldest first."""
        waiting = [page for page in self.pages.values() if self._owes(name, page)]
        return tuple(sorted(waiting, key=_urgency))

    def firing(self, name: str) -> tuple[Page, ...]:
        """Return what a receiver has heard and what goes on."""
        told = [page for key, page in self.pages.items() if key in self._heard[name]]
        return tuple(sorted((page for page in told if page.phase is not Phase.RESOLVED), key=_urgency))

    def heard(self, name: str, key: str) -> Page | None:
        """Return a page as a receiver took it last."""
        return self._heard[name].get(key)

    def taken(self, name: str, page: Page) -> None:
        """A receiver has taken a page."""
        self._heard[name][page.key] = page
        self._forget()

    def give_up(self, name: str, page: Page) -> None:
        """Owe the end of a page to a receiver no more."""
        if page.phase is Phase.RESOLVED:
            self.taken(name, page)

    def _owes(self, name: str, page: Page) -> bool:
        before = self._heard[name].get(page.key)
        if page.severity not in self._hears[name] and (before is None or before.phase is Phase.RESOLVED):
            return False
        return news(before) != news(page)

    def _forget(self) -> None:
        """Forget what has ended and is owed to nobody; of more pages than can be kept, the oldest that ended."""
        ended = sorted(
            (page for page in self.pages.values() if page.phase is Phase.RESOLVED), key=lambda one: one.ended
        )
        over = len(self.pages) - MOST
        for at, page in enumerate(ended):
            if at < over or not any(self._owes(name, page) for name in self._hears):
                del self.pages[page.key]
        self._heard = {
            name: {key: page for key, page in heard.items() if key in self.pages} for name, heard in self._heard.items()
        }


def _urgency(page: Page) -> tuple[int, bool, str, str]:
    return list(Severity).index(page.severity), page.phase is Phase.RESOLVED, page.at, page.key
