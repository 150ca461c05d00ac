"""The sums a running site judges by, in memory: windows and labels by the hour, and which minutes had a gap.

In: windows of closed minutes and label summaries, live ones or those that the store gives back at start-up. Out: what
lies in an interval. Bounded: 31 days, and a number of places; over it the smallest ones are added to `__other__`, so
that a flood of tenants costs their names, never a count.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from shipworthy.facts import OTHER, LabelCells, LabelSummary, WindowSummary
from shipworthy.facts.adding import added
from shipworthy.observe import labels as late
from shipworthy.observe import windows as seen

HOUR = 60
KEPT = 31 * 24 * HOUR  # minutes: longer than any window an SLO may name
MOST_PLACES, FEWER_PLACES = 6000, 4000
Place = tuple[str, str, str]  # version, tenant, segment
Summary = TypeVar("Summary", WindowSummary, LabelSummary)


class Remembered:
    """Windows, labels and heartbeats of one site. Single thread."""

    def __init__(self, start_minute: int) -> None:
        self._cuts: list[int] = [start_minute]
        self._heartbeats: list[WindowSummary] = []
        self._forgotten = 0
        self.kept_since = 0  # rolling windows begin no earlier than what is kept
        self._gaps: dict[tuple[int, int], tuple[int, ...]] = {}
        self._windows: defaultdict[Place, dict[seen.Key, WindowSummary]] = defaultdict(dict)
        self._labels: defaultdict[Place, dict[late.Key, LabelSummary]] = defaultdict(dict)
        self._cells: dict[tuple[str, str, int], LabelCells] = {}
        self.folded = 0

    def take_windows(self, windows: Iterable[WindowSummary]) -> None:
        """Add windows; heartbeats are kept apart."""
        for window in windows:
            if window.arm == seen.HEARTBEAT:
                insort(self._heartbeats, window, key=_minute)
                continue
            hourly = replace(window, minute=self.bucket(window.minute))
            here, key = self._windows[_place(hourly)], seen.key_of(hourly)
            here[key] = _summed(here.get(key), hourly)
        self._gaps.clear()
        if len(self._windows) > MOST_PLACES:
            self._fold()

    def take_labels(self, summaries: Iterable[LabelSummary], cells: Iterable[LabelCells] = ()) -> None:
        """Add labels, and the cells that thresholds are proven on."""
        for one in summaries:
            hourly = replace(one, minute=self.bucket(one.minute))
            here, key = self._labels[_place(hourly)], late.key_of(hourly)
            here[key] = late.merge(here[key], hourly) if key in here else hourly
        for each in cells:
            name = (each.version, each.bucket, each.minute)
            self._cells[name] = added(self._cells[name], each) if name in self._cells else each

    def windows(self, place: Place) -> list[WindowSummary]:
        """Return the hourly windows of one place."""
        return list(self._windows[place].values()) if place in self._windows else []

    def labels(self, place: Place) -> list[LabelSummary]:
        """Return the hourly labels of one place."""
        return list(self._labels[place].values()) if place in self._labels else []

    def cells(self, version: str, bucket: str, before: int) -> list[LabelCells]:
        """Return the labelled cells of whole hours that end by this minute."""
        return [
            one
            for (of, name, minute), one in sorted(self._cells.items())
            if (of, name) == (version, bucket) and minute + HOUR <= before
        ]

    def labelled(self) -> int:
        """Return how many scored decisions have a label, over all versions."""
        return sum(sum(one.n) for one in self._cells.values())

    def places(self, version: str, tenant: str = "*") -> list[str]:
        """Return the segments of a version that have windows or labels, sorted."""
        known = {*self._windows, *self._labels}
        return sorted(segment for of, whose, segment in known if (of, whose) == (version, tenant))

    def tenants(self, version: str) -> list[str]:
        """Return the tenants of a version that have windows, `*` among them, sorted."""
        return sorted({tenant for of, tenant, segment in self._windows if of == version and segment == "*"})

    def heartbeats(self) -> list[WindowSummary]:
        """Return the signs of life, oldest first."""
        return self._heartbeats

    def silent(self, start: int, end: int) -> tuple[int, ...]:
        """Return the minutes with a gap; worked out once for all who ask about the same interval."""
        if (start, end) not in self._gaps:
            low = bisect_left(self._heartbeats, start, key=_minute)
            high = bisect_left(self._heartbeats, end, key=_minute)
            self._gaps[start, end] = seen.gaps(self._heartbeats[low:high], start, end)
        return self._gaps[start, end]

    def cut(self, minute: int) -> None:
        """Begin a new sum at this minute: what came before a restore must not be added to what comes after."""
        if minute not in self._cuts:
            insort(self._cuts, minute)

    def cuts(self) -> tuple[int, ...]:
        """Return the minutes at which sums begin anew, ascending."""
        return tuple(self._cuts)

    def bucket(self, minute: int) -> int:
        """Return the minute under which a minute is summed: its hour, or the last cut inside it."""
        hour = minute - minute % HOUR
        at = bisect_right(self._cuts, minute)
        return max(hour, self._cuts[at - 1]) if at else hour

    def forget(self, before: int) -> None:
        """Drop what is older than any window an SLO may name. Once a day is often enough."""
        if before - self._forgotten < 24 * HOUR:
            return
        self._forgotten = before
        self.kept_since = max(self.kept_since, before)
        del self._heartbeats[: bisect_left(self._heartbeats, before, key=_minute)]
        _drop(self._windows, before)
        _drop(self._labels, before)
        self._cells = {name: one for name, one in self._cells.items() if name[2] >= before}

    def _fold(self) -> None:
        """Add the places with the fewest requests to `__other__` of their kind."""
        sizes = Counter({place: sum(one.n for one in here.values()) for place, here in self._windows.items()})
        others = [place for place in sizes if place[1:] != ("*", "*") and not _is_other(place)]
        for place in sorted(others, key=lambda one: (sizes[one], one))[: len(self._windows) - FEWER_PLACES]:
            version, tenant, segment = place
            target = (version, tenant if tenant == "*" else OTHER, seen.other_of(segment))
            for one in self._windows.pop(place).values():
                moved = replace(one, tenant=target[1], segment=target[2])
                key = seen.key_of(moved)
                self._windows[target][key] = _summed(self._windows[target].get(key), moved)
            self.folded += 1


def _drop(kept: dict[Place, dict[late.Key, Summary]], before: int) -> None:
    for place in list(kept):
        kept[place] = {key: one for key, one in kept[place].items() if one.minute >= before}
        if not kept[place]:
            del kept[place]


def _summed(before: WindowSummary | None, more: WindowSummary) -> WindowSummary:
    """Two references of one version and hour cannot be added: the newer one's cells are kept, plain counts of both."""
    if before is None:
        return more
    if before.reference != more.reference:
        before = replace(before, reference=more.reference, cells=(), joint=(), worst=(), hitters=())
    return seen.merge(before, more)


def _is_other(place: Place) -> bool:
    return OTHER in place[1] or OTHER in place[2]


def _minute(window: WindowSummary) -> int:
    return window.minute


def _place(summary: WindowSummary | LabelSummary) -> Place:
    return (summary.version, summary.tenant, summary.segment)
