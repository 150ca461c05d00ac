"""Decisions wait a moment and are then taken in together: counting a batch costs a fraction of counting each.

In: decisions as they are answered, and the time now and then. Out: batches, in the order of the answers. Bounded: a
full batch is handed over at once, and so is one with a decision that may call for an order: that waits for no other.
Single thread, in memory: a process that dies loses what waits, a few tenths of a second of counts, as it loses the
counts of its open minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from shipworthy.facts import Event
from shipworthy.models.spec import Cell

MOST = 256
WAIT_S = 0.1


class Decided(NamedTuple):
    """One decision. `row`: what was asked about, None counts no inputs; `peer`: who asked, None is not looked at for
    abuse."""

    event: Event
    row: Mapping[str, Cell] | None = None
    peer: str | None = None


def is_urgent(event: Event) -> bool:
    """True for what may call for an order by itself: never events, and inputs out of distribution."""
    return bool(event.never) or event.ood_flag


class Batches:
    """What waits for one consumer."""

    def __init__(
        self,
        take_in: Callable[[Sequence[Decided]], None],
        most: int = MOST,
        wait_s: float = WAIT_S,
        urgent: Callable[[Event], bool] = is_urgent,
    ) -> None:
        """`take_in` is handed each batch. Raises ValueError unless there is room for one decision."""
        if most < 1:
            raise ValueError(f"a batch of at most {most}")
        self._take_in, self._most, self._wait_s, self._urgent = take_in, most, wait_s, urgent
        self._waiting: list[Decided] = []
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def append(self, one: Decided, now_s: float) -> None:
        """Let one decision wait, or hand the batch over with it. Raises what the consumer raises; the batch is its."""
        if not self._waiting:
            self._since = now_s
        self._waiting.append(one)
        if len(self._waiting) >= self._most or self._urgent(one.event):
            self.flush()

    def due(self, now_s: float) -> bool:
        """True when something has waited long enough; a clock that was turned back waits for nothing."""
        return bool(self._waiting) and not 0.0 <= now_s - self._since < self._wait_s

    def take(self) -> list[Decided]:
        """Return and forget what waits."""
        taken, self._waiting = self._waiting, []
        return taken

    def flush(self) -> None:
        """Hand over what waits, if anything does."""
        taken = self.take()
        if taken:
            self._take_in(taken)
