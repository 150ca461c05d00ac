"""How far an empirical distribution can lie from the true one, at all times together, and what drift that proves.

In: a count of events, a chance of error `alpha`; or two histograms on one set of edges (counts since a start that was
not chosen by what the counts show). Out: half the width of a band; a lower bound of a Kolmogorov-Smirnov distance.

On all values at once: |F_n - F| <= .85 sqrt((log log(e n) + .8 log(1612 / alpha)) / n) for all n >= 1 with probability
1 - alpha, for independent events of one law (Howard & Ramdas, Bernoulli 28 (2022) 1704-1728, corollary 2).
On the inner edges of a grid of cells: at each edge the normal mixture bound sqrt((V + r) log((V + r) / (r a^2))) / n,
V = n / 4, a = alpha / edges (Robbins, Ann. Math. Stat. 41 (1970) 1397-1409; Howard et al., Ann. Stat. 49 (2021) 1055-
1080, proposition 5), narrowest near TIGHTEST events. It is narrower than the first up to some thousands of cells, and
it holds for the mean of the laws of the events so far if these change, by the past or by the hour.

A new start is a new stream: it has to be given an alpha of its own.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]

TIGHTEST = 5000


def cdf_band(n: float, alpha: float, cells: int | None = None) -> float:
    """Return d with P(sup |F_n - F| > d at any n) <= alpha; 1 where nothing is known. At most 1.

    `cells`: only the edges between so many cells of a fixed grid are compared. ValueError unless n >= 0, 0 < alpha < 1
    and cells >= 2.

    >>> [round(cdf_band(n, 0.05), 4) for n in (0, 1000, 100_000)]
    [1.0, 0.0866, 0.0088]
    >>> [round(cdf_band(n, 0.05, cells=64), 4) for n in (0, 1000, 100_000)]
    [1.0, 0.0714, 0.0071]
    """
    _check(n, alpha)
    if cells is not None and cells < 2:
        raise ValueError(f"at least two cells are needed, got {cells!r}")
    if n < 1:
        return 1.0
    if cells is None:
        return min(1.0, 0.85 * math.sqrt((math.log(math.log(math.e * n)) + 0.8 * math.log(1612.0 / alpha)) / n))
    return min(1.0, normal_mixture(0.25 * n, 0.25 * TIGHTEST, alpha / (cells - 1)) / n)


def normal_mixture(v: float, v_tightest: float, alpha: float) -> float:
    """Return u with P(|S| >= u at any v) <= alpha, for a sub-Gaussian sum S of variance (at most) v.

    >>> round(normal_mixture(100.0, 100.0, 0.05), 3)
    30.352
    """
    r = v_tightest / (2.0 * math.log(1.0 / alpha) + math.log1p(2.0 * math.log(1.0 / alpha)))
    return math.sqrt((v + r) * math.log((v + r) / (r * alpha * alpha)))


def sampling_band(n: float, alpha: float) -> float:
    """Return the same for one sample of fixed size n (Massart, Ann. Probab. 18 (1990) 1269-1283); 1 if n = 0.

    >>> round(sampling_band(10_000, 0.05), 4)
    0.0136
    """
    _check(n, alpha)
    return min(1.0, math.sqrt(math.log(2.0 / alpha) / (2.0 * n))) if n > 0 else 1.0


def ks_lower(live: ArrayLike, reference: ArrayLike, alpha: float) -> float:
    """Return a bound below the KS distance of the live population and the reference population, 0 if nothing is proven.

    Both counts by cell, in one order of the cells. At all looks together it is above the truth with probability <=
    alpha: half of it for the live counts, half for the one reference sample, which may have made the edges itself.
    ValueError unless whole counts >= 0 of one length >= 2.

    >>> ks_lower([5000, 3000, 2000], [2000, 3000, 5000], 0.01) > 0.2
    True
    """
    _check(0, alpha)
    p, q = histogram(live), histogram(reference)
    if p.size != q.size:
        raise ValueError(f"counts of one grid are needed, got {p.size} and {q.size} cells")
    n, m = int(p.sum()), int(q.sum())
    errors = cdf_band(n, 0.5 * alpha, p.size) + sampling_band(m, 0.5 * alpha)
    if n == 0 or m == 0:
        return 0.0
    return max(0.0, float(np.abs(np.cumsum(p) / n - np.cumsum(q) / m).max()) - errors)


def histogram(counts: ArrayLike) -> Counts:
    """Return counts by cell as int64. ValueError unless one row of at least two whole counts, none negative."""
    given = np.asarray(counts)
    if given.dtype.kind not in "iu" or given.ndim != 1 or given.size < 2:
        raise ValueError(f"one row of at least two whole counts is needed, got {counts!r}")
    whole: Counts = given.astype(np.int64)
    if bool((whole < 0).any()):
        raise ValueError("a count is never negative")
    return whole


def _check(n: float, alpha: float) -> None:
    if not (0.0 <= n < math.inf and 0.0 < alpha < 1.0):
        raise ValueError(f"n >= 0 and 0 < alpha < 1 are needed, got n={n!r}, alpha={alpha!r}")
