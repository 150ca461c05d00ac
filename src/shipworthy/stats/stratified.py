"""Difference of a rate between two groups at equal score, or at equal need: one table per stratum, added up.

In: per stratum hits and rows of either group. Out: the Mantel-Haenszel difference of rates with one-sided bounds.
Strata that hold one group only say nothing about a difference and fall out by themselves.

Sources: weights of Mantel & Haenszel (1959) for a difference; variance by Sato, Biometrics 45 (1989) 1323-1324, which
holds for few large strata as for many small ones. Without a single hit (or miss) the variance would be zero and claim
certainty: there the bounds are Newcombe's on the pooled counts.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats import normal
from shipworthy.stats.bounds import newcombe_difference


def stratified_difference(
    hits_a: ArrayLike,
    n_a: ArrayLike,
    hits_b: ArrayLike,
    n_b: ArrayLike,
    level: float = 0.95,
    design_effect: float = 1.0,
) -> tuple[float, float, float]:
    """(difference a - b, lower, upper); (NaN, -1, 1) where no stratum holds both. ValueError on impossible counts.

    >>> [round(v, 3) for v in stratified_difference([8, 12], [20, 20], [4, 9], [20, 20])]
    [0.175, 0.002, 0.348]
    """
    a, m, b, k = (np.asarray(column, dtype=np.float64) for column in (hits_a, n_a, hits_b, n_b))
    if not a.shape == m.shape == b.shape == k.shape or (a < 0).any() or (a > m).any() or (b < 0).any() or (b > k).any():
        raise ValueError("hits and rows per stratum, as many of one group as of the other, 0 <= hits <= rows")
    if not (0.5 <= level < 1.0 and design_effect >= 1.0):
        raise ValueError(f"needs .5 <= level < 1, deff >= 1: {level!r} {design_effect!r}")
    both = (m > 0.0) & (k > 0.0)
    a, m, b, k = a[both], m[both], b[both], k[both]
    total = m + k
    weight = float((m * k / total).sum())
    if weight == 0.0:
        return math.nan, -1.0, 1.0
    delta = float(((a * k - b * m) / total).sum()) / weight
    if (hits := float(a.sum() + b.sum())) in (0.0, float(total.sum())) or hits != hits:
        low, high = newcombe_difference(a.sum(), m.sum(), b.sum(), k.sum(), level, design_effect)
        return delta, low, high
    p = float(((m * m * b - k * k * a + m * k * (k - m) / 2.0) / (total * total)).sum())
    q = float(((a * (k - b) + b * (m - a)) / (2.0 * total)).sum())
    reach = normal.quantile(level) * math.sqrt(max(0.0, delta * p + q) * design_effect) / weight
    return delta, max(-1.0, delta - reach), min(1.0, delta + reach)
