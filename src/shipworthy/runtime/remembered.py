"""The sums a running site judges by, in memory: windows and labels by the hour, and which minutes had a gap.

In: windows of closed minutes and label summaries, live ones or those that the store gives back at start-up. Out: what
lies in an interval. Bounded: by the time that is kept, a number of places and of windows; over it the smallest places
are added to `__other__`, so that a flood of tenants costs their names, never a count. What an SLO asks about stays.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from shipworthy.facts import HEARTBEAT, OTHER, LabelCells, LabelSummary, WindowSummary
from shipworthy.facts.adding import added
from shipworthy.observe import labels as late
from shipworthy.observe import windows as seen
from shipworthy.runtime.hours import Hours
from shipworthy.store.tiers import FIVES_FOR, HOUR, MINUTES_FOR, bucket

MOST_PLACES, FEWER_PLACES = 6000, 4000
MOST_HELD = 500_000  # slim windows, about as many kilobytes; a full one weighs as much as its vectors
Place = tuple[str, str, str]  # version, tenant, segment
Summary = TypeVar("Summary", WindowSummary, LabelSummary)


class Blurred(NamedTuple):
    """Minutes after a cut that are summed with minutes before it: nobody may judge them."""

    start: int
    end: int


def still_blurred(blurred: Blurred, hour: int, now_minute: int) -> Blurred | None:
    """Return what the sums of the store cannot part: nothing of minutes, the rest of five minutes, or the whole."""
    if hour > now_minute - MINUTES_FOR:
        return None
    if hour <= now_minute - FIVES_FOR:
        return blurred
    whole = -(-blurred.start // 5) * 5
    return Blurred(blurred.start, min(blurred.end, whole)) if whole > blurred.start else None


class Remembered:
    """Windows, labels and heartbeats of one site. Single thread."""

    def __init__(self, start_minute: int) -> None:
        self._cuts: list[int] = [start_minute]
        self._heartbeats: list[WindowSummary] = []
        self._forgotten = 0
        self.kept_since = 0  # rolling windows begin no earlier than what is kept
        self._latest = -1
        self._gaps: dict[tuple[int, int], tuple[int, ...]] = {}
        self._windows: defaultdict[Place, dict[seen.Key, WindowSummary]] = defaultdict(dict)
        self._labels: defaultdict[Place, dict[late.Key, LabelSummary]] = defaultdict(dict)
        self._cells: defaultdict[tuple[str, str], dict[int, LabelCells]] = defaultdict(dict)  # version, bucket: hour
        self._labelled = 0
        self._watched: set[Place] = set()
        self._held = 0
        self._blurred: list[Blurred] = []
        self._lost: list[Blurred] = []
        self._aside: tuple[int, list[WindowSummary], list[LabelSummary]] | None = None
        self._hours = Hours()
        self._segments: dict[tuple[str, str], list[str]] | None = None
        self.folded = 0

    def watch(self, version: str, segments: Iterable[str]) -> None:
        """Keep these segments apart whatever comes: something is asked of them."""
        self._watched |= {(version, "*", segment) for segment in segments}

    def take_windows(self, windows: Iterable[WindowSummary]) -> None:
        """Add windows; heartbeats are kept apart."""
        begins: dict[int, int] = {}  # many windows are of one minute
        for window in windows:
            if window.arm == HEARTBEAT:
                insort(self._heartbeats, window, key=_minute)
                continue
            at = begins.get(window.minute)
            if at is None:
                at = begins[window.minute] = self.bucket(window.minute)
            self._put_aside(window)
            self._add_window(window if at == window.minute else replace(window, minute=at))
        self._latest = max(self._latest, *begins) if begins else self._latest
        self._gaps.clear()

    def take_labels(self, summaries: Iterable[LabelSummary], cells: Iterable[LabelCells] = ()) -> None:
        """Add labels, and the cells that thresholds are proven on."""
        for one in summaries:
            self._latest = max(self._latest, one.minute)
            self._put_aside(one)
            self._add_label(replace(one, minute=self.bucket(one.minute)))
        for each in cells:
            here = self._cells[each.version, each.bucket]
            here[each.minute] = added(here[each.minute], each) if each.minute in here else each
            self._labelled += sum(each.n)

    def replace(
        self,
        version: str,
        windows: Iterable[WindowSummary],
        labels: Iterable[LabelSummary],
        cells: Iterable[LabelCells],
    ) -> None:
        """Remember exactly this of a version, whatever was known of it before."""
        for place in [place for place in self._windows if place[0] == version]:
            self._held -= sum(map(_weight, self._windows.pop(place).values()))
        for place in [place for place in self._labels if place[0] == version]:
            del self._labels[place]
        for name in [name for name in self._cells if name[0] == version]:
            del self._cells[name]
        self._recount()
        self._changed()
        self.take_windows(windows)
        self.take_labels(labels, cells)

    def windows(self, place: Place) -> list[WindowSummary]:
        """Return the hourly windows of one place."""
        return list(self._windows[place].values()) if place in self._windows else []

    def over(self, place: Place, start: int, end: int) -> list[WindowSummary]:
        """Return the windows of one place with start <= minute < end, those of hours that are over added up."""
        if place not in self._windows:
            return []
        return self._hours.over(place, self._windows[place], self._begins(start), self._begins(end))

    def labels(self, place: Place) -> list[LabelSummary]:
        """Return the hourly labels of one place."""
        return list(self._labels[place].values()) if place in self._labels else []

    def cells(self, version: str, bucket: str, before: int) -> list[LabelCells]:
        """Return the labelled cells of whole hours that end by this minute."""
        here = self._cells.get((version, bucket), {})
        return [here[minute] for minute in sorted(here) if minute + HOUR <= before]

    def labelled(self) -> int:
        """Return how many scored decisions have a label, over all versions."""
        return self._labelled

    def places(self, version: str, tenant: str = "*") -> list[str]:
        """Return the segments of a version that have windows or labels, sorted."""
        if self._segments is None:
            found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
            for of, whose, segment in sorted({*self._windows, *self._labels}):
                found[of, whose].append(segment)
            self._segments = dict(found)
        return list(self._segments.get((version, tenant), ()))

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
            unknown = set(seen.gaps(self._heartbeats[low:high], start, end))
            for one in (*self._blurred, *self._lost):
                unknown.update(range(max(start, one.start), min(end, one.end)))
            self._gaps[start, end] = tuple(sorted(unknown))
        return self._gaps[start, end]

    def cut(self, minute: int) -> None:
        """Begin a new sum at this minute: what came before a restore must not be added to what comes after.

        A cut that comes late finds both in one sum. What came after it is unknown then, until `mended`.
        """
        if minute in self._cuts:
            return
        first = self.bucket(minute)
        insort(self._cuts, minute)
        if first < minute <= self._latest:
            later = [cut for cut in self._cuts if cut > minute]
            self._blurred.append(Blurred(minute, min(first - first % HOUR + HOUR, self._latest + 1, *later[:1])))
            self._gaps.clear()

    def blurred(self) -> Blurred | None:
        """Return minutes that want mending."""
        return self._blurred[0] if self._blurred else None

    def set_aside(self, hour: int) -> None:
        """From now on keep what comes for this hour a second time, for `mended`."""
        self._aside = (hour, [], [])

    def mended(self, windows: Iterable[WindowSummary], labels: Iterable[LabelSummary], unknown: Blurred | None) -> None:
        """Replace the hour that was set aside by what the store knew then, and add what came since.

        `unknown`: minutes that the store had summed across the cut as well; they stay a gap.
        """
        if self._aside is None:
            raise ValueError("no hour was set aside")
        hour, came, labelled = self._aside
        self._aside = None
        self._drop(hour, hour + HOUR)
        self._blurred = [one for one in self._blurred if not hour <= one.start < hour + HOUR]
        self._lost = [*self._lost, unknown] if unknown else self._lost
        self.take_windows([*windows, *came])
        self.take_labels([*labels, *labelled])

    def lose(self, one: Blurred) -> None:
        """Leave minutes a gap, for good."""
        if one not in self._lost:
            self._lost.append(one)
            self._gaps.clear()

    def versions(self) -> tuple[str, ...]:
        """Return the versions that have windows or labels, sorted."""
        return tuple(sorted({place[0] for place in (*self._windows, *self._labels)}))

    def cuts(self) -> tuple[int, ...]:
        """Return the minutes at which sums begin anew, ascending."""
        return tuple(self._cuts)

    def bucket(self, minute: int) -> int:
        """Return the minute under which a minute is summed: its hour, or the last cut inside it."""
        return bucket(minute, HOUR, self._cuts)

    def _begins(self, minute: int) -> int:
        """Return the first minute from this one on that a sum may begin at."""
        later = self._cuts[bisect_left(self._cuts, minute) :][:1]
        return min(-(-minute // HOUR) * HOUR, *later) if later else -(-minute // HOUR) * HOUR

    def _changed(self) -> None:
        """Forget what was worked out: any place may be gone, and any window another one."""
        self._hours.forget()
        self._segments = None

    def forget(self, before: int) -> None:
        """Drop what is older than any window an SLO may name. Once a day is often enough."""
        if before - self._forgotten < 24 * HOUR:
            return
        self._forgotten = before
        self.kept_since = max(self.kept_since, before)
        del self._heartbeats[: bisect_left(self._heartbeats, before, key=_minute)]
        self._drop(-1, before)
        self._lost = [one for one in self._lost if one.end > before]
        for name, here in list(self._cells.items()):
            self._cells[name] = {minute: one for minute, one in here.items() if minute >= before}
        self._recount()

    def _drop(self, first: int, last: int) -> None:
        """Forget the windows and labels of [first, last)."""
        for place, windows in list(self._windows.items()):
            for key in [key for key, one in windows.items() if first <= one.minute < last]:
                self._held -= _weight(windows.pop(key))
            if not windows:
                del self._windows[place]
        for place, labels in list(self._labels.items()):
            for name in [name for name, one in labels.items() if first <= one.minute < last]:
                del labels[name]
            if not labels:
                del self._labels[place]
        self._changed()

    def _recount(self) -> None:
        self._labelled = sum(sum(one.n) for here in self._cells.values() for one in here.values())

    def _add_window(self, window: WindowSummary) -> None:
        place, key = _place(window), seen.key_of(window)
        here = self._windows.get(place)
        if here is None:
            here, self._segments = self._windows[place], None
        self._hours.changed(place, window.minute)
        before = here.get(key)
        here[key] = _summed(before, window)
        self._held += _weight(here[key]) - (0 if before is None else _weight(before))
        if before is None and (len(self._windows) > MOST_PLACES or self._held > MOST_HELD):
            self._fold()

    def _add_label(self, one: LabelSummary) -> None:
        place, key = _place(one), late.key_of(one)
        here = self._labels.get(place)
        if here is None:
            here, self._segments = self._labels[place], None
        here[key] = late.merge(here[key], one) if key in here else one
        if len(self._labels) > MOST_PLACES:
            self._fold()

    def _weigh(self) -> None:
        self._held = sum(_weight(one) for here in self._windows.values() for one in here.values())

    def _put_aside(self, one: WindowSummary | LabelSummary) -> None:
        if self._aside is not None and self._aside[0] <= one.minute < self._aside[0] + HOUR:
            if isinstance(one, WindowSummary):
                self._aside[1].append(one)
            else:
                self._aside[2].append(one)

    def _fold(self) -> None:
        """Add the places with the fewest requests to `__other__` of their kind, windows and labels alike."""
        sizes = Counter({place: sum(one.n for one in here.values()) for place, here in self._windows.items()})
        known = {*self._windows, *self._labels}
        small = [place for place in known - self._watched if place[1:] != ("*", "*") and not _is_other(place)]
        few, held = len(known), self._held
        for place in sorted(small, key=lambda one: (sizes[one], one)):
            if few <= FEWER_PLACES and held <= MOST_HELD * 3 // 4:
                break
            few, held = few - 1, held - sum(map(_weight, self._windows.get(place, {}).values()))
            self._move(place)
            self.folded += 1
        self._weigh()
        self._changed()

    def _move(self, place: Place) -> None:
        version, tenant, segment = place
        target = (version, tenant if tenant == "*" else OTHER, seen.other_of(segment))
        for window in self._windows.pop(place, {}).values():
            moved = replace(window, tenant=target[1], segment=target[2])
            here, key = self._windows[target], seen.key_of(moved)
            here[key] = _summed(here.get(key), moved)
        for one in self._labels.pop(place, {}).values():
            told = replace(one, tenant=target[1], segment=target[2])
            there, name = self._labels[target], late.key_of(told)
            there[name] = late.merge(there[name], told) if name in there else told


def _weight(window: WindowSummary) -> int:
    """Return how many slim windows take as much memory."""
    if not (window.cells or window.latency or window.hitters):
        return 1
    return 1 + (len(window.cells) + len(window.joint) + len(window.hitters) + len(window.latency)) // 100


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
