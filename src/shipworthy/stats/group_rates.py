"""The rates that groups of people are compared by, and the two ways of comparing them: difference and ratio.

In: per row its label (0/1), whether it was selected, and its group. Out: per group hits and chances of one rate; the
largest difference and the smallest ratio between two groups. A group without a chance has no rate and is left out.

The names and formulas are those of fairlearn (Bird et al., 2020): `demographic_parity_difference` is the difference of
`selection_rate`, `equalized_odds_difference` the larger of those of true and false positive rate, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats import normal
from shipworthy.stats.bounds import effective_counts, wilson

Counts = Mapping[str, tuple[int, int]]
"""Per group hits and chances."""

Flags = NDArray[np.bool_]

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "accuracy")


def hits_and_chances(rate: str, selected: Flags, labels: NDArray[np.float64]) -> tuple[Flags, Flags]:
    """Return per row whether it is a hit and whether it is a chance of the rate. A row without a label (NaN) is a
    chance of the selection rate only. ValueError on a rate that is not in RATES."""
    if rate == "selection_rate":
        return selected, np.ones_like(selected)
    if rate == "true_positive_rate":
        return selected, labels == 1.0
    if rate == "false_positive_rate":
        return selected, labels == 0.0
    if rate == "false_negative_rate":
        return ~selected, labels == 1.0
    if rate == "accuracy":
        return selected == (labels == 1.0), ~np.isnan(labels)
    raise ValueError(f"no rate {rate!r}; there are {', '.join(RATES)}")


def group_counts(
    rate: str, selected: ArrayLike, labels: ArrayLike, groups: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return hits and chances per group, groups in their order. ValueError on unequal lengths.

    >>> group_counts("true_positive_rate", [1, 0, 1, 1], [1, 1, 0, 1], ["a", "a", "a", "b"])
    {'a': (1, 2), 'b': (1, 1)}
    """
    chosen, truth = np.asarray(selected, dtype=np.bool_), np.asarray(labels, dtype=np.float64)
    if not chosen.shape == truth.shape == (len(groups),):
        raise ValueError(f"one label and one group per row are needed: {chosen.shape} {truth.shape} {len(groups)}")
    hit, chance = hits_and_chances(rate, chosen, truth)
    return counts_of(hit, chance, groups)


def counts_of(hit: Flags, chance: Flags, groups: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return hits among chances, and chances, per group that has any."""
    place: dict[str, int] = {}
    at = np.fromiter((place.setdefault(name, len(place)) for name in groups), dtype=np.int64, count=len(groups))
    n = np.bincount(at[chance], minlength=len(place))
    hits = np.bincount(at[chance & hit], minlength=len(place))
    return {name: (int(hits[place[name]]), int(n[place[name]])) for name in sorted(place) if n[place[name]]}


def difference(counts: Counts) -> float:
    """Return the highest rate less the lowest; NaN without a group.

    >>> round(difference({"a": (1, 4), "b": (3, 4)}), 3)
    0.5
    """
    rates = [hits / n for hits, n in counts.values()]
    return max(rates) - min(rates) if rates else math.nan


def ratio(counts: Counts) -> float:
    """Return the lowest rate over the highest (four fifths is the rule of thumb of US labour law); NaN if all are 0."""
    rates = [hits / n for hits, n in counts.values()]
    return min(rates) / max(rates) if rates and max(rates) > 0.0 else math.nan


def ratio_bounds(
    low: tuple[float, float], high: tuple[float, float], level: float = 0.95, design_effect: float = 1.0
) -> tuple[float, float]:
    """(lower, upper), each one-sided at `level`, for p_low / p_high of two independent samples of (hits, n).

    The MOVER-R interval from Wilson's limits (Donner & Zou, Stat. Methods Med. Res. 21 (2012) 347-359, eq. 9). Where
    the denominator may be zero there is no upper bound: infinity.

    >>> [round(v, 2) for v in ratio_bounds((30, 100), (60, 100))]
    [0.37, 0.66]
    """
    z = normal.quantile(level)
    l1, p1, u1 = wilson(*effective_counts(*low, level, design_effect), z)
    l2, p2, u2 = wilson(*effective_counts(*high, level, design_effect), z)
    product = p1 * p2
    floor = l1 * (2.0 * p1 - l1)
    root = math.sqrt(max(0.0, product * product - floor * u2 * (2.0 * p2 - u2)))
    lower = floor / (product + root) if floor > 0.0 else 0.0
    beneath = l2 * (2.0 * p2 - l2)
    outside = max(0.0, product * product - u1 * l2 * (2.0 * p1 - u1) * (2.0 * p2 - l2))
    upper = (product + math.sqrt(outside)) / beneath if beneath > 0.0 else math.inf
    return lower, upper
