"""Bounds of rates, and of the rise from one rate to another, that hold at every look.

In: requests and hits so far, of one arm or of two. Out: intervals. The evidence against a rate p is that of a mixture
of bets, prior Beta(1/2, 1/2), against it: B(h + 1/2, n - h + 1/2) / (B(1/2, 1/2) p^h (1 - p)^(n - h)). At the true rate
its mean is 1 however often one looks, so the rates whose evidence stays below 1 / alpha, an interval, hold the true one
at all looks together with probability 1 - alpha (Ville). Two arms share alpha: the rise p1 - p0 lies between
low1 - high0 and high1 - low0. The hits of an arm are alike and independent; over hours with other rates the mean is
bounded, so both arms must have the same share of every hour, as they have while a share of the traffic stands still.

Sources: Robbins, Ann. Math. Stat. 41 (1970) 1397-1409; Krichevsky & Trofimov, IEEE Trans. Inf. Theory 27 (1981)
199-207.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_STEPS = 30  # halvings: to 1e-9, outward
_LEAST = 1e-300


def rate_intervals(hits: ArrayLike, n: int, alpha: float) -> tuple[Floats, Floats]:
    """Return (lower, upper) of one or more rates among the same n requests; (0, 1) without any.

    ValueError unless whole numbers with 0 <= hits <= n and 0 < alpha < 1.

    >>> low, high = rate_intervals([0, 20], 1000, 0.05)
    >>> high.round(4).tolist(), low.round(4).tolist()
    ([0.007, 0.0406], [0.0, 0.0078])
    """
    found = np.atleast_1d(np.asarray(hits))
    whole = found.dtype.kind in "iu" and n == int(n)
    if not (whole and bool(np.all((found >= 0) & (found <= n))) and 0.0 < alpha < 1.0):
        raise ValueError(f"0 <= hits <= n and 0 < alpha < 1 are needed, got {hits!r}, {n!r}, {alpha!r}")
    h = found.astype(np.float64)
    seen = h / n if n else np.full(h.shape, 0.5)
    proof = np.array([_log_mixture(float(one), n) for one in h]) + math.log(alpha)
    return _edge(h, n, proof, seen, np.zeros(h.shape)), _edge(h, n, proof, seen, np.ones(h.shape))


def rise_upper(hits1: ArrayLike, n1: int, hits0: ArrayLike, n0: int, alpha: float) -> Floats:
    """Return what p1 - p0 is below at all looks together, with probability 1 - alpha.

    >>> rise_upper([2], 2000, [20], 18_000, 0.05).round(4).tolist()
    [0.0064]
    """
    _, high = rate_intervals(hits1, n1, 0.5 * alpha)
    low, _ = rate_intervals(hits0, n0, 0.5 * alpha)
    return np.asarray(high - low)


def rate_lower(hits: int, n: int, alpha: float) -> float:
    """Return what one rate is above at all looks together, with probability 1 - alpha."""
    return float(rate_intervals([hits], n, alpha)[0][0])


def _log_mixture(h: float, n: int) -> float:
    return math.lgamma(h + 0.5) + math.lgamma(n - h + 0.5) - math.lgamma(n + 1.0) - math.log(math.pi)


def _edge(h: Floats, n: int, proof: Floats, seen: Floats, end: Floats) -> Floats:
    """Return the last rate, from what was seen towards 0 or 1, that is not rejected; by halving, outward."""
    near, far = seen, end
    for _ in range(_STEPS):
        middle = 0.5 * (near + far)
        rejected = _is_rejected(h, n, middle, proof)
        near, far = np.where(rejected, near, middle), np.where(rejected, middle, far)
    return np.where(_is_rejected(h, n, end, proof), far, end)


def _is_rejected(h: Floats, n: int, rate: Floats, proof: Floats) -> NDArray[np.bool_]:
    hits, misses = np.log(np.maximum(rate, _LEAST)), np.log(np.maximum(1.0 - rate, _LEAST))
    return np.asarray(proof > h * hits + (n - h) * misses)
