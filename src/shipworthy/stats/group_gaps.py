"""The largest difference of a rate between two groups, with bounds that allow for its having been picked.

In: hits and chances of every group, by the feature that makes the groups. Out: a pair for every two groups of one
feature, and the judged one. Groups with fewer than 100 chances are listed and not judged: a gap between two handfuls
is noise.

Bounds by Newcombe's method. The judged upper bound is the largest of the pairs' (valid as it stands: it fails only if
that of the truly largest gap fails); the judged lower bound is the largest one after Bonferroni, since it was picked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from shipworthy.stats.bounds import newcombe_difference

LEAST_ROWS = 100
Bounds = tuple[float, float, float]
"""Value, lower, upper."""


@dataclass(frozen=True, slots=True)
class Group:
    """Hits among chances of one group."""

    name: str
    hits: int
    n: int


@dataclass(frozen=True, slots=True)
class GapPair:
    """Two groups of one feature, the higher rate first, so that every difference is counted upwards."""

    feature: str
    worse: Group
    better: Group

    @property
    def name(self) -> str:
        """Return how the pair is called."""
        return f"{self.feature}: {self.worse.name} - {self.better.name}"

    @property
    def n(self) -> int:
        """Return the chances of the smaller group."""
        return min(self.worse.n, self.better.n)

    @property
    def thin(self) -> bool:
        """True when one group is a handful."""
        return self.n < LEAST_ROWS

    def bounds(self, level: float, design_effect: float = 1.0) -> Bounds:
        """Return the difference with one-sided bounds, none below 0."""
        worse, better = self.worse, self.better
        lo, hi = newcombe_difference(worse.hits, worse.n, better.hits, better.n, level, design_effect)
        return worse.hits / worse.n - better.hits / better.n, max(0.0, lo), max(0.0, hi)


@dataclass(frozen=True, slots=True)
class LargestGap:
    """What is judged. `pairs` = how many were compared, `n` = chances of the smallest group of them."""

    value: float
    lo: float
    hi: float
    n: int
    pairs: int


def gap_pairs(groups: Mapping[str, Sequence[Group]]) -> list[GapPair]:
    """Return every pair of groups of one feature; a group without a chance has no rate and is left out."""
    made = []
    for feature, named in groups.items():
        ordered = sorted((one for one in named if one.n), key=lambda one: (-one.hits / one.n, one.name))
        made += [GapPair(feature, worse, better) for worse, better in combinations(ordered, 2)]
    return made


def largest_gap(pairs: Sequence[GapPair], level: float, design_effect: float = 1.0) -> LargestGap | None:
    """Return the largest gap of the pairs that are not thin; None without one.

    >>> found = largest_gap(gap_pairs({"sex": [Group("f", 30, 100), Group("m", 10, 100)]}), 0.95)
    >>> found is not None and (round(found.value, 3), round(found.lo, 3), found.pairs)
    (0.2, 0.108, 1)
    """
    kept = [pair for pair in pairs if not pair.thin]
    if not kept:
        return None
    strict = 1.0 - (1.0 - level) / len(kept)
    own = [pair.bounds(level, design_effect) for pair in kept]
    lowest = max(pair.bounds(strict, design_effect)[1] for pair in kept)
    n = min(pair.n for pair in kept)
    return LargestGap(max(one[0] for one in own), lowest, max(one[2] for one in own), n, len(kept))
