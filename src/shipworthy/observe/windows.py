"""Events become windows: integer counts per version, arm, tenant, segment and minute, and nothing else.

In: `Event`s, one by one, in one thread. Out: `WindowSummary`s of closed minutes. Sums of integers do not depend on
order or on how the traffic was split, so the same events give the same bytes everywhere. A raw value never gets here.

Every shard also says once a minute that it lives (`HEARTBEAT`): a minute in which fewer shards spoke than were
expected is a gap, and a gap is missing evidence, not a quiet minute.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from shipworthy.facts import (
    HEARTBEAT,
    NO_REFERENCE,
    OOD_P_BINS,
    OTHER,
    SCORE_BINS,
    Digest,
    Event,
    Fact,
    WindowSummary,
    canonical_segment,
    heartbeat,
    parse_segment,
)
from shipworthy.facts.adding import other_shard
from shipworthy.observe.full import Full
from shipworthy.observe.inputs import Hashed, Inputs
from shipworthy.profile.rows import Row

MOST_LIVE_KEYS = 2000
MOST_OF_TENANTS = 1500  # of them in single tenants: a flood of tenants leaves room for the segments of all
MOST_AHEAD, MOST_BEHIND = 24 * 60, 31 * 24 * 60  # minutes between an event and the collector's clock
PROBE = "probe"
SHADOW = "shadow"  # scored without answering, where this version might have answered
HELD = "shadow_held"  # scored without answering, where an order keeps this version from answering
RESCUED = "rescued"  # answered by the baseline after the candidate had failed: not what the baseline's own share shows
Place = tuple[str, str, str, str]  # version, arm, tenant, segment
Key = tuple[str, str, str, str, int]  # version, arm, tenant, segment, minute
COUNTS = (
    "n", "n_ood", "n_unseen", "n_review", "n_machine", "n_failed", "n_replayed", "n_never", "n_leaked", "n_unknown",
    "n_degraded", "n_disagreed",
)  # fmt: skip
SCORES_AT = len(COUNTS)
OOD_P_AT = SCORES_AT + SCORE_BINS
WIDTH = OOD_P_AT + OOD_P_BINS


class Batch(Fact, frozen=True, kw_only=True):
    """What one shard sent at once. (`shard`, `seq`) is its name: the same batch may come twice."""

    shard: str
    seq: int
    windows: tuple[WindowSummary, ...]


class Collector:
    """Counts of the open minutes of one shard. Single thread, in memory, bounded."""

    def __init__(
        self, start_minute: int, shards_expected: int = 1, hashed: Callable[[str, int], Hashed] | None = None
    ) -> None:
        """Begin at `start_minute`. `hashed(tenant, minute)` gives the keyed hash of unseen values, by its period."""
        self._rolled = start_minute
        self._expected = shards_expected
        self._hashed = hashed
        self._inputs: dict[str, Inputs] = {}
        self._cells: dict[Key, list[int]] = {}
        self._full: dict[Key, Full] = {}
        self._live: set[Place] = set()
        self._of_tenants = 0
        self._apart: set[tuple[str, str]] = set()
        self.spilled = 0
        self.skewed = 0

    def watch(self, version: str, inputs: Inputs) -> None:
        """Count the inputs of a version into the cells of its reference from now on."""
        self._inputs[version] = inputs

    def keep_apart(self, version: str, segments: Iterable[str]) -> None:
        """Never count these segments of all tenants as `__other__`: something is asked of them."""
        self._apart |= {(version, segment) for segment in segments}

    def add(self, event: Event, row: Row | None = None) -> None:
        """Count one event for all tenants and its own, in `*` and in each of its segments and groups.

        `row`: its inputs; counted by the hundred and then forgotten. Without it no input is counted. An event that is
        more than a day ahead of the last minute rolled, or a month behind, comes of a clock that is wrong: it counts
        in the minute that is open now, so that nothing is lost where nobody looks.
        """
        minute = self.minute_of(event.minute)
        if minute != event.minute:
            event = replace(event, minute=minute)
        arm = arm_of(event)
        places = _places(event)
        segments = dict.fromkeys(("*", *event.segments, *event.groups))
        for tenant in dict.fromkeys(("*", event.tenant)):
            for segment in segments:
                cell = self._cell(event.version, arm, tenant, segment, event.minute)
                for place in places:
                    cell[place] += 1
        if arm != PROBE:
            self.full(event.version, arm, event.tenant, event.minute).add(event, row)

    def minute_of(self, minute: int, n: int = 1) -> int:
        """Return the minute in which `n` events of this minute count: the open one when a clock is wrong, see `add`."""
        if self._rolled - MOST_BEHIND <= minute <= self._rolled + MOST_AHEAD:
            return minute
        self.skewed += n
        return self._rolled

    def count(self, version: str, arm: str, tenant: str, segment: str, minute: int, counts: Sequence[int]) -> None:
        """Add counts of many events at once to one place: those of COUNTS, then scores, then p-values."""
        cell = self._cell(version, arm, tenant, segment, minute, counts[0])
        for place, times in enumerate(counts):
            cell[place] += times

    def full(self, version: str, arm: str, tenant: str, minute: int) -> Full:
        """Return what counts times, sums and inputs of a tenant. All tenants together are their sum."""
        tenant = tenant if (version, arm, tenant, "*") in self._live else OTHER
        key = (version, arm, tenant, "*", minute)
        full = self._full.get(key)
        if full is None:
            inputs = self._inputs.get(version)
            full = self._full[key] = Full(inputs, self._hashed(tenant, minute) if self._hashed else None)
        return full

    def roll(self, now_minute: int) -> list[WindowSummary]:
        """Return and forget the minutes before `now_minute`, sorted by key, with one heartbeat for each.

        An event that comes after its minute was returned makes a second summary of that minute; it adds up.
        """
        closed = sorted(key for key in self._cells if key[4] < now_minute)
        full = self._closed_full(now_minute)
        windows = [self._summary(key, self._cells.pop(key), full.get(key)) for key in closed]
        windows += [heartbeat(minute, self._expected) for minute in range(self._rolled, now_minute)]
        self._rolled = max(self._rolled, now_minute)
        self._live = {key[:4] for key in self._cells}
        self._of_tenants = sum(place[2] != "*" for place in self._live)
        return windows

    def _closed_full(self, now_minute: int) -> dict[Key, Full]:
        closed = {key: self._full.pop(key) for key in sorted(self._full) if key[4] < now_minute}
        for (version, arm, _, _, minute), one in list(closed.items()):
            one.flush()
            key = (version, arm, "*", "*", minute)
            if key not in closed:
                closed[key] = Full(one.inputs, None)
            closed[key].take(one)
        return closed

    def _cell(self, version: str, arm: str, tenant: str, segment: str, minute: int, n: int = 1) -> list[int]:
        live = (version, arm, tenant, segment)
        if live not in self._live:
            if self._is_full(version, tenant, segment):
                self.spilled += n
                tenant = tenant if tenant == "*" else OTHER
                segment = other_of(segment)
                live = (version, arm, tenant, segment)
            self._of_tenants += live not in self._live and tenant != "*"
            self._live.add(live)
        key = (version, arm, tenant, segment, minute)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = [0] * WIDTH
        return cell

    def _is_full(self, version: str, tenant: str, segment: str) -> bool:
        """True when there is no room for another place of this kind."""
        if tenant == "*" and (segment == "*" or (version, segment) in self._apart):
            return False
        return len(self._live) >= MOST_LIVE_KEYS or (tenant != "*" and self._of_tenants >= MOST_OF_TENANTS)

    def _summary(self, key: Key, cell: list[int], full: Full | None) -> WindowSummary:
        version, arm, tenant, segment, minute = key
        inputs = self._inputs.get(version)
        reference = NO_REFERENCE if inputs is None else inputs.reference
        empty = WindowSummary(
            version=version, arm=arm, tenant=tenant, segment=segment, minute=minute, reference=reference
        )
        return replace(
            empty,
            shards_seen=1 if minute >= self._rolled else 0,
            shards_expected=self._expected,
            scores=tuple(cell[SCORES_AT:OOD_P_AT]),
            ood_p=tuple(cell[OOD_P_AT:]),
            **dict(zip(COUNTS, cell, strict=False)),
            **({} if full is None else full.vectors()),
        )


def merge(a: WindowSummary, b: WindowSummary) -> WindowSummary:
    """Return the sum of two summaries of one key: counts are added, the expected shards are the larger number.

    Raises ValueError when they are not of one key and one reference.
    """
    if key_of(a) != key_of(b) or a.reference != b.reference:
        raise ValueError(f"not one window: {key_of(a)} of {a.reference} and {key_of(b)} of {b.reference}")
    return other_shard(a, b)


def merged(windows: Iterable[WindowSummary]) -> tuple[WindowSummary, ...]:
    """Return one summary per key and reference, sorted: the same bytes in whatever order they came."""
    sums: dict[tuple[Key, Digest], WindowSummary] = {}
    for window in windows:
        name = (key_of(window), window.reference)
        sums[name] = merge(sums[name], window) if name in sums else window
    return tuple(sums[name] for name in sorted(sums))


def combine(batches: Iterable[Batch]) -> tuple[WindowSummary, ...]:
    """Return the sum of all batches, each counted once. Raises ValueError when one name has two contents."""
    seen: dict[tuple[str, int], Batch] = {}
    for batch in batches:
        if seen.setdefault((batch.shard, batch.seq), batch) != batch:
            raise ValueError(f"two different batches are called {batch.shard} {batch.seq}")
    return merged(window for batch in seen.values() for window in batch.windows)


def gaps(windows: Iterable[WindowSummary], start: int, end: int) -> tuple[int, ...]:
    """Return the minutes of [start, end) in which fewer shards spoke than were expected, or none at all."""
    seen: dict[int, int] = defaultdict(int)
    expected: dict[int, int] = defaultdict(int)
    for window in windows:
        if window.arm == HEARTBEAT and start <= window.minute < end:
            seen[window.minute] += window.shards_seen
            expected[window.minute] = max(expected[window.minute], window.shards_expected)
    return tuple(minute for minute in range(start, end) if minute not in expected or seen[minute] < expected[minute])


def key_of(window: WindowSummary) -> Key:
    """Return what a summary is of."""
    return window.version, window.arm, window.tenant, window.segment, window.minute


def other_of(segment: str) -> str:
    """Return the segment that takes the overflow of this one: the same keys, every value `__other__`.

    >>> other_of("supplier=P42")
    'supplier=__other__'
    """
    return canonical_segment({key: (OTHER,) for key in parse_segment(segment)})


def arm_of(event: Event) -> str:
    """Return the arm that a decision counts for: what the baseline answered for a failed candidate is its own."""
    if event.probe is not None:
        return PROBE
    return RESCUED if event.replayed and event.arm not in (SHADOW, HELD) else event.arm


def _places(event: Event) -> tuple[int, ...]:
    """The indices of a cell that one event counts up."""
    return (*_counted(event), *_score_place(event.score), OOD_P_AT + _ood_p_bin(event.ood_p))


def _counted(event: Event) -> Iterator[int]:
    says = (
        True,
        event.ood_flag,
        bool(event.unseen),
        event.route == "person",
        event.route == "machine",
        event.failed,
        event.replayed,
        bool(event.never),
        event.leaked,
        bool(event.unknown),
        event.degraded,
        event.disagrees,
    )
    return (place for place, said in enumerate(says) if said)


def _score_place(score: float | None) -> tuple[int, ...]:
    if score is None or not 0.0 <= score <= 1.0:
        return ()
    return (SCORES_AT + min(int(score * SCORE_BINS), SCORE_BINS - 1),)


def _ood_p_bin(p: float) -> int:
    """Four bins a decade, from 1 downwards; what is no probability counts as the smallest."""
    if not 0.0 < p <= 1.0:
        return OOD_P_BINS - 1
    return min(int(-4.0 * math.log10(p)), OOD_P_BINS - 1)
