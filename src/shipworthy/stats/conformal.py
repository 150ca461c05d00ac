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
from itertools import accumulate

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


def joint_p_values(ranks: Sequence[Sequence[int]]) -> tuple[tuple[float, ...], ...]:
    """For each view the p-value of a row that is oddest in it, by its rank there: `table[view][rank]`, rank from 1.

    `ranks[view][i]` is the number of calibration rows at least as odd in that view as the i-th, itself included; a new
    row's rank is 1 + the number at least as odd as it. A row is as odd as its best rank over the views. Its p-value is
    the share of rows, itself included, whose best rank is as good *among all n + 1*: exactly valid whatever the views
    have to do with each other, and never larger than Bonferroni's rank * views / (n + 1). In the view it is oddest in,
    the rows at least as odd come before it, and the others one further back; in the others nothing moves up to its
    rank. Ties count against alarm. ValueError without rows, or for views of different lengths.

    >>> [[round(p, 3) for p in table[1:]] for table in joint_p_values([(1, 2, 3), (3, 2, 1)])]
    [[0.5, 1.0, 1.0, 1.0], [0.5, 1.0, 1.0, 1.0]]
    """
    n = len(ranks[0]) if ranks else 0
    if n == 0 or any(len(view) != n for view in ranks):
        raise ValueError(f"views of {[len(view) for view in ranks]} calibration rows: one number of rows is needed")
    return tuple(_of_best_rank(ranks, view, n) for view in range(len(ranks)))


def _of_best_rank(ranks: Sequence[Sequence[int]], own: int, n: int) -> tuple[float, ...]:
    """The table of one view: each calibration row counts from the rank on at which it is as odd as the new row."""
    reached = [0] * (n + 2)
    for row in zip(*ranks, strict=True):
        reached[min(rank + (view == own) for view, rank in enumerate(row))] += 1
    counts = list(accumulate(reached))
    return (0.0, *((1 + count) / (n + 1) for count in counts[1:]))


def flagged_at_most(n: int, level: float, confidence: float = 0.95) -> float:
    """Upper bound of the share of fresh rows that one calibration sample of `n` flags at `level`.

    The share that a rule promises to flag is a mean over calibration samples. Given the sample, what lies beyond its
    l-th oddest row, l = floor((n + 1) level), is Beta(l, n + 1 - l) of the fresh rows when no scores tie, and less when
    some do (Vovk, Conditional validity of inductive conformal predictors, Mach. Learn. 92 (2013)). 0 when nothing can
    be flagged. ValueError when an argument is out of range.

    >>> round(flagged_at_most(10_000, 0.01), 4), flagged_at_most(65, 0.01)
    (0.0117, 0.0)
    """
    if n < 1 or not 0.0 < level < 1.0 or not 0.0 < confidence < 1.0:
        raise ValueError(f"not a calibration: n={n!r}, level={level!r}, confidence={confidence!r}")
    rank = math.floor((n + 1) * level + _ROUNDING)
    return beta_quantile(rank, n + 1 - rank, confidence) if rank else 0.0
