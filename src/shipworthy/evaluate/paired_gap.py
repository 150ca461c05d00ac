"""Is the gap between groups wider than in the version last shipped.

In: the same labelled rows with the scores of both. Out: a `Comparison` of the judged gap, where its metric follows from
scores alone; rates that depend on thresholds are judged by their target only. Bounds of the difference of two gaps by
the square-and-add method (Zou & Donner, Stat. Med. 27 (2008) 1693-1702), of which Newcombe's interval is the case of
two rates: each gap brings the bounds it is judged by. The two gaps rise and fall together, which the method leaves out,
so the bounds are wider than they need be and the p-value larger: a block is never a false alarm more often than said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from shipworthy.evaluate import subgroup
from shipworthy.evaluate.answered import Answered
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.both import Both, interval
from shipworthy.facts import Comparison, Measurement
from shipworthy.indicators import SCORED_METRICS
from shipworthy.stats import normal


def gaps(bench: Bench, both: Both, one: Measurement) -> Comparison | None:
    """Return the comparison of the judged gap, None where it cannot be made from scores."""
    metric = one.method.partition(",")[0]
    if metric not in SCORED_METRICS:
        return None
    new, old = (_judged(bench, both.kept, scores, one, metric) for scores in (both.ours, both.theirs))
    if None in (new.value, new.lo, new.hi, old.value, old.lo, old.hi):
        return None
    found = square_and_add(_numbers(new), _numbers(old), one.level)
    return interval(one, new.n, found, f"{metric}, square-and-add of Newcombe bounds")


def square_and_add(
    new: tuple[float, float, float], old: tuple[float, float, float], level: float
) -> tuple[float, float, float, float]:
    """(delta, lo, hi, p that it is worse) of new - old, each given as (value, lo, hi) with one-sided bounds.

    >>> [round(v, 3) for v in square_and_add((0.10, 0.06, 0.14), (0.04, 0.01, 0.07), 0.95)]
    [0.06, 0.01, 0.11, 0.024]
    """
    delta = new[0] - old[0]
    below, above = math.hypot(new[0] - new[1], old[2] - old[0]), math.hypot(new[2] - new[0], old[0] - old[1])
    z = normal.quantile(level)
    spread = below if delta > 0.0 else above
    p = 1.0 - normal.cdf(z * delta / spread) if spread > 0.0 else 0.5 * (delta <= 0.0)
    return delta, delta - below, delta + above, p


def _judged(
    bench: Bench, kept: Sequence[Answered], scores: Sequence[float | None], one: Measurement, metric: str
) -> Measurement:
    rows = [replace(answer, score=score) for answer, score in zip(kept, scores, strict=True)]
    ask = Ask(indicator=one.indicator, segment=one.segment, level=one.level, metric=metric)
    return subgroup.evaluate(bench, [ask], rows)[0]


def _numbers(one: Measurement) -> tuple[float, float, float]:
    return one.value or 0.0, one.lo or 0.0, one.hi or 0.0
