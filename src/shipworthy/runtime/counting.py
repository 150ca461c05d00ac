"""Decisions and shadow scores are counted here, whatever fails; what could not be counted whole stays told.

In: what was seen, one by one or by the batch. Out: windows, alarms and the abuse log. A batch that telemetry could not
take leaves its minutes a gap: half of a minute is no data. What failed is shown in the status until the site ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from shipworthy.deploy.body import Cell
from shipworthy.facts import Event
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.gathered import Gathered
from shipworthy.runtime.troubles import Troubles

Row = Mapping[str, Cell]
_log = logging.getLogger("shipworthy.counting")


class Counting:
    """One event loop. `add` gathers; `take` and `shadow` raise nothing."""

    def __init__(self, controller: Controller, abuse: AbuseLog) -> None:
        self._controller = controller
        self._abuse = abuse
        self._gathered = Gathered(self._alarmed)
        self.failed = 0
        self.last = ""

    def add(self, event: Event, row: Row, peer: str) -> None:
        """Take one decision in, just before its answer leaves: never events act now, the rest is counted soon."""
        for name in event.never:
            self._controller.never(name, event)
        self._gathered.add(event, row, peer)

    def flush(self) -> None:
        """Count what was seen."""
        self._gathered.flush()

    def count(self, events: Sequence[Event], rows: Sequence[Row], peers: Sequence[str]) -> None:
        """Count decisions and look for abuse in them; their never events have been acted on. What fails is raised when
        all else is done."""
        troubles = Troubles()
        with troubles:
            self._controller.counted(events, rows)
        with troubles:
            self._abuse.answered_many(events, rows, peers)
        troubles.tell()

    def take(self, events: Sequence[Event], rows: Sequence[Row], peers: Sequence[str]) -> None:
        """As `count`; what fails is told in the log and the status: it is no fault of whoever brought the batch."""
        self.quietly(len(events), lambda: self.count(events, rows, peers))

    def shadow(self, event: Event, held: bool, row: Row) -> None:
        """Count one shadow score. `held`: an order keeps its version from answering."""
        self.quietly(1, lambda: self._controller.telemetry.add_shadow(event, held, row))

    def quietly(self, n: int, work: Callable[[], None]) -> None:
        """Do one part of taking `n` things in; the parts after it are done whatever happens here."""
        try:
            work()
        except Exception as problem:  # whatever it is, it stays told
            self.failed += n
            self.last = f"{type(problem).__name__}: {problem}"
            _log.exception("%d decisions could not be counted whole", n)

    def told(self) -> dict[str, object]:
        """Return what the status shows: how many decisions were not counted whole, and what failed last."""
        return {"failed": self.failed, "last": self.last}

    def _alarmed(self, events: Sequence[Event], rows: Sequence[Row], peers: Sequence[str]) -> bool:
        before = len(self._controller.repeats.alarms())
        self.take(events, rows, peers)
        return len(self._controller.repeats.alarms()) != before
