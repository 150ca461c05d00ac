"""Decisions on their way to being counted: gathered for a moment, for a batch costs a fraction of its parts.

In: decisions one by one, just before their answers leave. Out: batches, at least every 100 ms; at once when an input
looked unfamiliar or an alarm was raised a moment ago, for an order must not wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from shipworthy.deploy.body import Cell
from shipworthy.facts import Event

WITHIN_S = 0.1
AT_ONCE = 256
ALERT = 512  # requests after an alarm that are counted one by one: what it leaves unexplained may alarm next
Row = Mapping[str, Cell]
Count = Callable[[Sequence[Event], Sequence[Row], Sequence[str]], bool]


class Gathered:
    """One event loop. `count` takes a batch and returns whether it raised an alarm; it raises nothing."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._waiting: list[tuple[Event, Row, str]] = []
        self._alert = 0

    def add(self, event: Event, row: Row, peer: str) -> None:
        """Take one decision in."""
        self._waiting.append((event, row, peer))
        if event.ood_flag or self._alert or len(self._waiting) >= AT_ONCE:  # an alarm must not wait
            self.flush()
        elif len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(WITHIN_S, self.flush)

    def flush(self) -> None:
        """Hand over what waits."""
        if self._waiting:
            seen, self._waiting = self._waiting, []
            events, rows, peers = zip(*seen, strict=True)
            alarmed = self._count(events, rows, peers)
            self._alert = ALERT if alarmed else max(0, self._alert - len(seen))
