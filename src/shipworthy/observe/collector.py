"""Events become windows: integer counts per version, arm, tenant, segment and minute, and nothing else.

In: `Event`s and their rows, in one thread. Out: `WindowSummary`s of closed minutes. Sums of integers do not depend on
order or on how the traffic was split, so the same events give the same bytes everywhere. Events wait here until there
are a few hundred, or until somebody asks, and are then counted by columns; a raw value gets no further.

Every shard also says once a minute that it lives (`HEARTBEAT`): a minute in which fewer shards spoke than were
expected is a gap, and a gap is missing evidence, not a quiet minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.facts import (
    NO_REFERENCE,
    OOD_P_BINS,
    OTHER,
    SCORE_BINS,
    Event,
    WindowSummary,
    heartbeat,
)
from shipworthy.observe.bins import NONE, Ints, p_bin, score_bins
from shipworthy.observe.full import Full, KeyedHash, Vectors, Wholes
from shipworthy.observe.full import Key as Whole
from shipworthy.observe.inputs import Inputs
from shipworthy.observe.slots import Slots
from shipworthy.observe.table import Places, Table
from shipworthy.observe.windows import COUNTS, PROBE, Key, arm_of
from shipworthy.profile.rows import Row

MOST_AHEAD, MOST_BEHIND = 24 * 60, 31 * 24 * 60  # minutes between an event and the collector's clock
MOST_WAITING = 512
MOST_KINDS = 8192
_SAYS = {
    "n_ood": "ood_flag",
    "n_unseen": "unseen",
    "n_failed": "failed",
    "n_replayed": "replayed",
    "n_never": "never",
    "n_leaked": "leaked",
    "n_unknown": "unknown",
    "n_degraded": "degraded",
    "n_disagreed": "disagrees",
}
_MARKS = tuple((COUNTS.index(name), attrgetter(said)) for name, said in _SAYS.items())
_SCORES_AT = len(COUNTS)
_OOD_P_AT = _SCORES_AT + SCORE_BINS
_NOWHERE = _OOD_P_AT + OOD_P_BINS  # what is in no bin is counted here, and nobody looks
_ROUTES = {"person": COUNTS.index("n_review"), "machine": COUNTS.index("n_machine")}

Marks = NDArray[np.bool_]


class _Kind(NamedTuple):
    """Where events of one kind count: the rows of their slim windows, and the key of their full one (None for probes).

    `over`: how many of their places had no room of their own.
    """

    rows: tuple[int, ...]
    whole: Whole | None
    over: int


class _Windows(dict[str, int]):
    """The rows of the slim windows of one version, arm, tenant and minute, by segment; `over`: which have no room."""

    def __init__(self, key: Whole, slots: Slots, counts: Table[Key]) -> None:
        super().__init__()
        self._key, self._slots, self._counts = key, slots, counts
        self.over: set[str] = set()

    def __missing__(self, segment: str) -> int:
        version, arm, tenant, minute = self._key
        place = (version, arm, tenant, segment)
        found = self._slots.find(*place)
        if found != place:
            self.over.add(segment)
        row = self[segment] = self._counts.row((*found, minute))
        return row


class Collector:
    """Counts of the open minutes of one shard. Single thread, in memory, bounded."""

    def __init__(self, start_minute: int, shards_expected: int = 1, hashed: KeyedHash | None = None) -> None:
        """Begin at `start_minute`. `hashed(tenant, minute)` gives the keyed hash of unseen values, by its period."""
        self._rolled = start_minute
        self._expected = shards_expected
        self._wholes = Wholes(hashed)
        self._slots = Slots()
        self._counts: Table[Key] = Table(_NOWHERE + 1)
        self._windows: dict[Whole, _Windows] = {}
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._events: list[Event] = []
        self._rows: list[Row | None] = []
        self._skewed = self._spilled = 0

    @property
    def spilled(self) -> int:
        """Return how often an event found no room for a place of its own."""
        self._count()
        return self._spilled

    @property
    def skewed(self) -> int:
        """Return how many events came of a wrong clock."""
        self._count()
        return self._skewed

    def watch(self, version: str, inputs: Inputs) -> None:
        """Count the inputs of a version into the cells of its reference from now on."""
        self._count()
        self._wholes.watch(version, inputs)

    def keep_apart(self, version: str, segments: Iterable[str]) -> None:
        """Never count these segments of all tenants as `__other__`: something is asked of them."""
        self._count()
        self._slots.keep_apart(version, segments)
        self._forget_kinds()

    def add(self, event: Event, row: Row | None = None) -> None:
        """Count one event for all tenants and its own, in `*` and in each of its segments and groups.

        `row`: its inputs; counted by the hundred and then forgotten. Without it no input is counted. An event that is
        more than a day ahead of the last minute rolled, or a month behind, comes of a clock that is wrong: it counts
        in the minute that is open now, so that nothing is lost where nobody looks.
        """
        self._events.append(event)
        self._rows.append(row)
        if len(self._events) >= MOST_WAITING:
            self._count()

    def add_many(self, events: Sequence[Event], rows: Sequence[Row | None] | None = None) -> None:
        """Count a batch of events; the same as one after the other. Raises ValueError unless each has its row."""
        given = [None] * len(events) if rows is None else rows
        if len(given) != len(events):
            raise ValueError(f"{len(events)} events with {len(given)} rows")
        self._events.extend(events)
        self._rows.extend(given)
        if len(self._events) >= MOST_WAITING:
            self._count()

    def minute_of(self, minute: int, n: int = 1) -> int:
        """Return the minute in which `n` events of this minute count: the open one when a clock is wrong, see `add`."""
        if self._rolled - MOST_BEHIND <= minute <= self._rolled + MOST_AHEAD:
            return minute
        self._skewed += n
        return self._rolled

    def count(self, version: str, arm: str, tenant: str, segment: str, minute: int, counts: Ints) -> None:
        """Add counts of many events at once to one place: those of COUNTS, then scores, then p-values."""
        self._count()
        place = (version, arm, tenant, segment)
        found = self._slots.find(*place)
        if found != place:
            self._spilled += int(counts[0])
        self._counts.add_row(self._counts.row((*found, minute)), np.append(counts, 0))

    def full(self, version: str, arm: str, tenant: str, minute: int) -> Full:
        """Return what counts sums and inputs of many events of a tenant at once. Its place has been counted in."""
        return self._wholes.full(self._whole(version, arm, tenant, minute))

    def roll(self, now_minute: int) -> list[WindowSummary]:
        """Return and forget the minutes before `now_minute`, sorted by key, with one heartbeat for each.

        An event that comes after its minute was returned makes a second summary of that minute; it adds up.
        """
        self._count()
        closed = sorted(key for key in self._counts if key[4] < now_minute)
        wholes = self._wholes.close(now_minute)
        told = self._counts.counts(closed).tolist()
        self._counts.forget(closed)
        windows = [
            self._summary(key, counts, wholes.get((*key[:3], key[4]), {}) if key[3] == "*" else {})
            for key, counts in zip(closed, told, strict=True)
        ]
        windows += [heartbeat(minute, self._expected) for minute in range(self._rolled, now_minute)]
        self._rolled = max(self._rolled, now_minute)
        self._slots.restart(key[:4] for key in self._counts)
        self._forget_kinds()
        return windows

    def _count(self) -> None:
        """Count the events that wait, and forget them and their rows."""
        events, rows = self._events, self._rows
        if not events:
            return
        self._events, self._rows = [], []
        kinds = self._kinds_of(events)
        self._add_slim(events, kinds)
        keys = [kind.whole for kind in kinds if kind.whole is not None]
        if len(keys) == len(events):
            self._wholes.add(keys, events, rows)
        elif keys:
            some = [kind.whole is not None for kind in kinds]
            self._wholes.add(keys, list(compress(events, some)), list(compress(rows, some)))

    def _forget_kinds(self) -> None:
        self._kinds.clear()
        self._windows.clear()

    def _kinds_of(self, events: Sequence[Event]) -> list[_Kind]:
        minutes = [event.minute for event in events]
        if min(minutes) < self._rolled - MOST_BEHIND or max(minutes) > self._rolled + MOST_AHEAD:
            minutes = [self.minute_of(minute) for minute in minutes]
        names = zip(
            [event.version for event in events],
            [arm_of(event) for event in events],
            [event.tenant for event in events],
            minutes,
            [event.segments for event in events],
            [event.groups for event in events],
            strict=True,
        )
        made, known, over = [], self._kinds, 0
        for name in names:
            kind = known.get(name)
            if kind is None:
                kind = self._opened(*name)
                if len(known) >= MOST_KINDS:
                    self._forget_kinds()
                known[name] = kind
            over += kind.over
            made.append(kind)
        self._spilled += over
        return made

    def _opened(
        self, version: str, arm: str, tenant: str, minute: int, segments: tuple[str, ...], groups: tuple[str, ...]
    ) -> _Kind:
        """Find the windows of a kind of events, and give them room. Spilling depends on what came first, so it is done
        in the order of events."""
        named = dict.fromkeys(("*", *segments, *groups))
        every = self._windows_of((version, arm, "*", minute))
        mine = self._windows_of((version, arm, tenant, minute))
        rows = tuple(map(every.__getitem__, named))
        if mine is not every:
            rows += tuple(map(mine.__getitem__, named))
        over = 0
        if every.over or mine.over:
            over = sum((segment in every.over) + (mine is not every and segment in mine.over) for segment in named)
        return _Kind(rows, None if arm == PROBE else self._whole(version, arm, tenant, minute), over)

    def _whole(self, version: str, arm: str, tenant: str, minute: int) -> Whole:
        """The full window that counts for a tenant; all tenants together are their sum."""
        return version, arm, tenant if (version, arm, tenant, "*") in self._slots else OTHER, minute

    def _windows_of(self, key: Whole) -> _Windows:
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = _Windows(key, self._slots, self._counts)
        return found

    def _add_slim(self, events: Sequence[Event], kinds: Sequence[_Kind]) -> None:
        """Count every event in each of its slim windows: what each of them shows, then what few do."""
        sizes = np.fromiter([len(kind.rows) for kind in kinds], dtype=np.intp, count=len(kinds))
        rows = np.fromiter(chain.from_iterable([kind.rows for kind in kinds]), dtype=np.intp, count=int(sizes.sum()))
        of = np.repeat(np.arange(len(kinds)), sizes)
        self._counts.add(rows, _shown(events)[:, of])
        for place, marks in _marked(events):
            here = marks[of]
            self._counts.add(rows[here], np.full(int(here.sum()), place))

    def _summary(self, key: Key, counts: Sequence[int], vectors: Vectors) -> WindowSummary:
        version, arm, tenant, segment, minute = key
        inputs = self._wholes.inputs(version)
        told: dict[str, Any] = {**dict(zip(COUNTS, counts, strict=False)), **vectors}
        return WindowSummary(
            version=version,
            arm=arm,
            tenant=tenant,
            segment=segment,
            minute=minute,
            reference=NO_REFERENCE if inputs is None else inputs.reference,
            shards_seen=1 if minute >= self._rolled else 0,
            shards_expected=self._expected,
            scores=tuple(counts[_SCORES_AT:_OOD_P_AT]),
            ood_p=tuple(counts[_OOD_P_AT:_NOWHERE]),
            **told,
        )


def _shown(events: Sequence[Event]) -> Places:
    """Return intp[4, events]: the places that every event counts up, whatever it shows."""
    scores = score_bins(np.array([event.score for event in events], dtype=np.float64))  # None becomes NaN
    shown = np.zeros((4, len(events)), dtype=np.intp)
    shown[1] = [_ROUTES.get(event.route, _NOWHERE) for event in events]
    shown[2] = np.where(scores == NONE, _NOWHERE, _SCORES_AT + scores)
    shown[3] = [_OOD_P_AT + p_bin(event.ood_p) for event in events]
    return shown


def _marked(events: Sequence[Event]) -> Iterator[tuple[int, Marks]]:
    """Yield (place, which events) of what few of them show."""
    odd = [number for number, event in enumerate(events) if _is_odd(event)]
    for place, said in _MARKS:
        marks = [number for number in odd if said(events[number])]
        if marks:
            here = np.zeros(len(events), dtype=np.bool_)
            here[marks] = True
            yield place, here


def _is_odd(one: Event) -> bool:
    """True when an event shows any of what is marked."""
    seen = one.ood_flag or one.unseen or one.failed or one.replayed
    return bool(seen or one.never or one.leaked or one.unknown or one.degraded or one.disagrees)
