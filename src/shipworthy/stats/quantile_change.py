"""By how much one quantile of the candidate differs from the baseline's, with bounds that hold at every look.

In: histograms of both arms on one grid, counts since the start. Out: for each arm an interval of the quantile, whose
ends are edges of the grid, and from the two the difference and the ratio.

That an edge e lies below the q-quantile means F(e) < q: at most q of the events lie at or below e. The evidence for it
is a mixture of bets theta < q on that rate, prior Beta(PRIOR q, PRIOR (1 - q)) cut at q, in closed form. It falls as
more events lie below the edge, so the edge next to the true quantile answers for all others and no correction for
many edges is needed. The events of an arm are alike and independent; if not, the mean distribution is not what is
bounded, and arms whose share moves with the load differ without cause (`stochastic_order.py` has a test without that).

Sources: Howard & Ramdas, Bernoulli 28 (2022) 1704-1728, section 3 (quantiles by a beta-binomial mixture); Robbins,
Ann. Math. Stat. 41 (1970) 1397-1409.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.beta import log_incomplete_beta
from shipworthy.stats.cdf_band import histogram

PRIOR = 100.0
"""Events that the prior is worth: the intervals are narrowest, for their number of events, near ten times as many."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class QuantileChange:
    """Intervals (low, high) of the q-quantile in both arms, of candidate - baseline, and of candidate / baseline."""

    candidate: Interval
    baseline: Interval
    difference: Interval
    ratio: Interval


def quantile_change(
    candidate: ArrayLike, baseline: ArrayLike, edges: Sequence[float], q: float, alpha: float
) -> QuantileChange:
    """Return what is known of the q-quantiles of positive values, at all looks together with probability 1 - alpha.

    `edges`: the inner edges, one fewer than cells, increasing, positive; cell i holds values above edge i - 1, up to
    and with edge i. Unknown ends are 0 and infinity. ValueError unless all that holds, 0 < q < 1 and 0 < alpha < 1.

    >>> change = quantile_change([50, 100, 850], [850, 100, 50], [100.0, 200.0], 0.5, 0.05)
    >>> change.candidate, change.baseline, change.difference
    ((200.0, inf), (0.0, 100.0), (100.0, inf))
    """
    ours, theirs = (quantile_interval(counts, edges, q, 0.5 * alpha) for counts in (candidate, baseline))
    (low1, high1), (low0, high0) = ours, theirs
    highest = high1 / low0 if low0 > 0.0 else math.inf
    return QuantileChange(ours, theirs, (low1 - high0, high1 - low0), (low1 / high0, highest))


def quantile_interval(counts: ArrayLike, edges: Sequence[float], q: float, alpha: float) -> Interval:
    """Return (low, high) of the q-quantile of one arm: low < quantile <= high, each side with alpha / 2."""
    by_cell = histogram(counts)
    _check(by_cell.size, edges, q, alpha)
    n, proof = int(by_cell.sum()), math.log(2.0 / alpha)
    below = np.cumsum(by_cell)[:-1].tolist()
    first_not_below = bisect_left(below, True, key=lambda k: log_e_below(k, n, q) < proof)
    first_above = bisect_left(below, True, key=lambda k: log_e_below(n - k, n, 1.0 - q) >= proof)
    low = float(edges[first_not_below - 1]) if first_not_below else 0.0
    return low, float(edges[first_above]) if first_above < len(edges) else math.inf


def log_e_below(hits: int, n: int, rate: float) -> float:
    """Return the log evidence, valid at every n, that hits come at less than `rate`. ValueError unless 0 <= hits <= n.

    >>> round(log_e_below(0, 0, 0.95), 12), log_e_below(900, 1000, 0.95) > math.log(1000)
    (0.0, True)
    """
    if not (0 <= hits <= n and 0.0 < rate < 1.0):
        raise ValueError(f"0 <= hits <= n and 0 < rate < 1 are needed, got {hits!r}, {n!r}, {rate!r}")
    a, b = PRIOR * rate, PRIOR * (1.0 - rate)
    cut = log_incomplete_beta(a + hits, b + n - hits, rate) - log_incomplete_beta(a, b, rate)
    mixed = _log_beta(a + hits, b + n - hits) - _log_beta(a, b) + cut
    return mixed - hits * math.log(rate) - (n - hits) * math.log1p(-rate)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _check(cells: int, edges: Sequence[float], q: float, alpha: float) -> None:
    if not (0.0 < q < 1.0 and 0.0 < alpha < 1.0):
        raise ValueError(f"0 < q < 1 and 0 < alpha < 1 are needed, got q={q!r}, alpha={alpha!r}")
    rising = all(a < b for a, b in zip([0.0, *edges], [*edges, math.inf], strict=True))
    if len(edges) != cells - 1 or not rising:
        raise ValueError(f"{cells - 1} edges are needed, positive, finite and increasing, got {list(edges)!r}")
