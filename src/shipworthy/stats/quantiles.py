"""Which order statistic a quantile is, and which ones bound it whatever the distribution.

In: how many values there are, and the quantile. Out: ranks, counted from 1. A rank that does not exist is None: too
few values to bound that quantile on that side (59 values for an upper bound of the 95th percentile at level .95).

Source: David & Nagaraja, Order Statistics (2003), 7.1: P(X_(r) <= x_q) = P(Bin(n, q) >= r).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable

from shipworthy.stats.beta import incomplete_beta


def nearest_rank(n: int, q: float) -> int:
    """The rank of the q-quantile of n >= 1 values by the nearest-rank rule, ceil(q * n). ValueError otherwise.

    >>> nearest_rank(24, 0.95), nearest_rank(100, 0.07)
    (23, 7)
    """
    _check(n, q)
    return max(1, math.ceil(q * n - 1e-9))


def quantile_ranks(n: int, q: float, level: float = 0.95) -> tuple[int | None, int | None]:
    """(lower, upper): the tightest ranks whose values bound the q-quantile, each one-sided with chance >= `level`.

    >>> quantile_ranks(59, 0.95), quantile_ranks(58, 0.95)[1]
    ((53, 59), None)
    """
    _check(n, q)
    if not 0.0 < level < 1.0 or q == 1.0:
        raise ValueError(f"0 < q < 1 and 0 < level < 1 are needed, got q={q!r}, level={level!r}")
    below = _first(n, lambda r: _at_least(n, q, r) < level)
    above = _first(n, lambda r: 1.0 - _at_least(n, q, r) >= level)
    return (below - 1 or None), (above if above <= n else None)


def _at_least(n: int, q: float, r: int) -> float:
    return incomplete_beta(r, n - r + 1, q)


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """The smallest rank for which `holds`, true from some rank on; n + 1 if there is none."""
    return 1 + bisect.bisect_left(range(1, n + 1), True, key=holds)


def _check(n: int, q: float) -> None:
    if n < 1 or not 0.0 < q <= 1.0:
        raise ValueError(f"n >= 1 and 0 < q <= 1 are needed, got n={n!r}, q={q!r}")
