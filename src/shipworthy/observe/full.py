"""What a full window counts beside the plain numbers: times, sums of scores, inputs, and what explained each flag.

In: events with their rows. Out: vectors of integers by the names of `WindowSummary`. Rows wait here until there are a
few hundred or the minute is over, and then only their counts are left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shipworthy.facts import FIXED, LATENCY_BINS, SCORE_BINS, Event
from shipworthy.observe.inputs import Hashed, InputCounts, Inputs
from shipworthy.profile.rows import Row

MOST_WAITING = 256
SHORTEST_MS = 1 / 16
_STEPS = 8  # of an octave


class Full:
    """The counts of one version, arm, tenant and minute."""

    __slots__ = ("_counts", "_hashed", "_latency", "_sum_p", "_sum_pq", "_waiting", "_worst", "inputs")

    def __init__(self, inputs: Inputs | None, hashed: Hashed | None) -> None:
        self.inputs = inputs
        self._hashed = hashed
        self._waiting: list[Row] = []
        self._counts: InputCounts | None = None
        self._latency = [0] * LATENCY_BINS
        self._sum_p = [0] * SCORE_BINS
        self._sum_pq = [0] * SCORE_BINS
        self._worst: dict[str, int] = {}

    def add(self, event: Event, row: Row | None) -> None:
        """Count one event and, when there is one, its row."""
        if event.took_ms is not None:
            self._latency[latency_bin(event.took_ms)] += 1
        score = event.score
        if score is not None and 0.0 <= score <= 1.0:
            at = min(int(score * SCORE_BINS), SCORE_BINS - 1)
            self._sum_p[at] += round(score * FIXED)
            self._sum_pq[at] += round(score * (1.0 - score) * FIXED)
        if event.ood_flag and event.ood_feature:
            self._worst[event.ood_feature] = self._worst.get(event.ood_feature, 0) + 1
        if row is not None and self.inputs is not None:
            self._waiting.append(row)
            if len(self._waiting) >= MOST_WAITING:
                self.flush()

    def add_sums(self, sum_p: Sequence[int], sum_pq: Sequence[int], worst: Mapping[str, int]) -> None:
        """Add what many events without a time sum up to."""
        self._sum_p = list(map(int.__add__, self._sum_p, sum_p))
        self._sum_pq = list(map(int.__add__, self._sum_pq, sum_pq))
        for name, times in worst.items():
            self._worst[name] = self._worst.get(name, 0) + times

    def add_inputs(self, counts: InputCounts) -> None:
        """Add the counts of many rows."""
        self._take(counts)

    @property
    def hashed(self) -> Hashed | None:
        """Return the keyed hash of its unseen values."""
        return self._hashed

    def flush(self) -> None:
        """Count the rows that wait, and forget them."""
        if self._waiting and self.inputs is not None:
            self._take(self.inputs.count(self._waiting, self._hashed))
            self._waiting = []

    def take(self, other: Full) -> None:
        """Add what another one counted; its rows are flushed. Hashed values stay out: each tenant has its own key."""
        self._latency = list(map(int.__add__, self._latency, other._latency))
        self._sum_p = list(map(int.__add__, self._sum_p, other._sum_p))
        self._sum_pq = list(map(int.__add__, self._sum_pq, other._sum_pq))
        for name, times in other._worst.items():
            self._worst[name] = self._worst.get(name, 0) + times
        if other._counts is not None:
            self._take(InputCounts(other._counts.cells, other._counts.joint))

    def vectors(self) -> dict[str, tuple[int, ...]]:
        """Return all counts by the names of `WindowSummary`; those of inputs are empty without rows."""
        made = {"latency": tuple(self._latency), "sum_p": tuple(self._sum_p), "sum_pq": tuple(self._sum_pq)}
        if self.inputs is not None:
            made["worst"] = tuple(self._worst.get(name, 0) for name in self.inputs.features)
        if self._counts is not None:
            made["cells"] = tuple(self._counts.cells.tolist())
            made["joint"] = tuple(self._counts.joint.tolist())
            made["hitters"] = () if self._counts.unseen is None else tuple(self._counts.unseen.tolist())
        return made

    def _take(self, counts: InputCounts) -> None:
        if self._counts is None and self.inputs is not None:
            self._counts = self.inputs.nothing()
        if self._counts is not None:
            self._counts.add(counts)


def latency_bin(took_ms: float) -> int:
    """Return the bin of a time: 0 below 1/16 ms, then eight equal steps an octave, the last one open.

    What is no time, negative or not finite, is told as the longest: it must not look fast.

    >>> [latency_bin(ms) for ms in (0.01, 0.0625, 1.0, 1.5, 1e9, float("nan"))]
    [0, 0, 32, 36, 127, 127]
    """
    if not 0.0 <= took_ms < math.inf:
        return LATENCY_BINS - 1
    if took_ms < SHORTEST_MS:
        return 0
    part, octave = math.frexp(took_ms / SHORTEST_MS)  # part in [0.5, 1)
    return min((octave - 1) * _STEPS + int((part - 0.5) * 2 * _STEPS), LATENCY_BINS - 1)


def latency_edges() -> tuple[float, ...]:
    """Return where each bin begins, ms; the first one from 0."""
    steps = [SHORTEST_MS * 2.0 ** (at // _STEPS) * (1.0 + at % _STEPS / _STEPS) for at in range(LATENCY_BINS)]
    return (0.0, *steps[1:])
