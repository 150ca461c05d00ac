"""Conformal p-values: how strange is this score among scores of rows known to be like the reference.

In: a sorted calibration sample and one score, larger = stranger. Out: a p-value that is at most `a` with probability
at most `a` for a row exchangeable with the calibration rows, ties counted against alarm. A score that is not a number
is as strange as can be (p = 0), and no calibration sample is an error: it could never flag anything.

Source: Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005); Bates et al., Ann. Stat. 51 (2023).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from shipworthy.stats.beta import beta_quantile

_ROUNDING = 1e-9  # (n + 1) * level may lie a last bit below the whole number that it is


def calibration_sample(scores: Iterable[float]) -> tuple[float, ...]:
    """The scores sorted, as `p_value` wants them; ValueError if there are none or one is NaN."""
    ordered = tuple(sorted(scores))
    if not ordered or any(math.isnan(score) for score in ordered):
        raise ValueError("a calibration sample needs at least one score and no NaN")
    return ordered


def p_value(sorted_calibration: Sequence[float], score: float) -> float:
    """(1 + number of calibration scores >= score) / (n + 1); NaN gives 0, an empty sample ValueError.

    >>> p_value((1.0, 2.0, 2.0, 3.0), 2.0), p_value((1.0, 2.0, 2.0, 3.0), 9.0)
    (0.8, 0.2)
    """
    n = len(sorted_calibration)
    if n == 0:
        raise ValueError("no calibration scores: nothing could ever be flagged")
    if math.isnan(score):
        return 0.0
    return (1 + n - bisect_left(sorted_calibration, score)) / (n + 1)


def smallest_p(p_values: Sequence[float], views: int) -> float:
    """Bonferroni over the views of one row: min(1, views * smallest p). A NaN among them gives 0.

    `views` counts every view that could have spoken, so it is at least len(p_values) >= 1; ValueError otherwise.

    >>> smallest_p((0.5, 0.01), views=2)
    0.02
    """
    if not 1 <= len(p_values) <= views:
        raise ValueError(f"between 1 and views={views} p-values are needed, got {len(p_values)}")
    if any(math.isnan(p) for p in p_values):
        return 0.0
    return min(1.0, views * min(p_values))


def smallest_attainable(n: int, views: int) -> float:
    """The least value `smallest_p` can take with n calibration scores: a level below it never flags any finite score.

    >>> smallest_attainable(199, views=2)
    0.01
    """
    if n < 1 or views < 1:
        raise ValueError(f"n >= 1 and views >= 1 are needed, got n={n!r}, views={views!r}")
    return min(1.0, views / (n + 1))


def flagged_bounds(n: int, level: float, views: int = 1, confidence: float = 0.95) -> tuple[float, float]:
    """Bounds of the share of fresh rows that one calibration sample of `n` scores a view flags at `level`.

    The share of rows that a rule promises to flag is a mean over calibration samples. Given the sample, a view flags
    what lies above its l-th largest score, l = floor((n + 1) level / views): Beta(l, n + 1 - l) of the fresh rows when
    scores are continuous, fewer with ties (Vovk, Conditional validity of inductive conformal predictors, Mach. Learn.
    92 (2013)). The upper bound adds the views up, each at its share of 1 - confidence, so that it holds however they
    depend on each other; the lower one is that of a single view. ValueError when an argument is out of range.

    >>> [round(bound, 4) for bound in flagged_bounds(10_000, 0.01)]
    [0.0084, 0.0117]
    >>> flagged_bounds(65, 0.01, views=2)
    (0.0, 0.0)
    """
    if n < 1 or views < 1 or not 0.0 < level < 1.0 or not 0.0 < confidence < 1.0:
        raise ValueError(f"not a calibration: n={n!r}, level={level!r}, views={views!r}, confidence={confidence!r}")
    rank = math.floor((n + 1) * level / views + _ROUNDING)
    if rank == 0:
        return 0.0, 0.0
    upper = beta_quantile(rank, n + 1 - rank, 1.0 - (1.0 - confidence) / views)
    return beta_quantile(rank, n + 1 - rank, 1.0 - confidence), min(1.0, views * upper)
