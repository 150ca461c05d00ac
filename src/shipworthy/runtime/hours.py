"""Sums of hours that are over: whoever asks about a week adds up the hour that is open to what was added before.

In: the windows of a place by hour, and which of them changed. Out: the windows of an interval, those before the newest
hour added up. Counts are integers, so it makes no difference to whoever adds them up; they are told apart by arm and
reference alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from shipworthy.facts import Digest, WindowSummary
from shipworthy.facts.adding import added

Place = tuple[str, str, str]  # version, tenant, segment
MOST_INTERVALS = 16  # of one place: as many windows of SLOs as there are


class Hours:
    """What was added up, until one of its windows changes. Single thread."""

    def __init__(self) -> None:
        self._newest = -1
        self._sums: dict[Place, dict[tuple[int, int], tuple[WindowSummary, ...]]] = {}

    def changed(self, place: Place, minute: int) -> None:
        """Note that the window of a place at this minute is another one now."""
        if minute > self._newest:
            self._newest = minute
        elif minute < self._newest:
            self._sums.pop(place, None)

    def forget(self) -> None:
        """Note that any window may be another one now."""
        self._sums.clear()

    def over(self, place: Place, windows: Mapping[Any, WindowSummary], start: int, end: int) -> list[WindowSummary]:
        """Return the windows with start <= minute < end. `start` and `end`: minutes that sums begin at."""
        until = min(end, self._newest)
        held = self._sums.setdefault(place, {})
        if (start, until) not in held:
            if len(held) >= MOST_INTERVALS:
                held.clear()
            held[start, until] = _added(one for one in windows.values() if start <= one.minute < until)
        first = max(start, until)
        return [*held[start, until], *(one for one in windows.values() if first <= one.minute < end)]


def _added(windows: Iterable[WindowSummary]) -> tuple[WindowSummary, ...]:
    """Add up by arm and reference, under the minute of the first."""
    found: dict[tuple[str, Digest], WindowSummary] = {}
    for one in windows:
        key = (one.arm, one.reference)
        before = found.get(key)
        found[key] = one if before is None else replace(added(before, one), minute=min(before.minute, one.minute))
    return tuple(found[key] for key in sorted(found))
