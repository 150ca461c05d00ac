"""The standard normal distribution from `math.erfc` alone, so that nothing heavy is imported for one quantile.

In: a z value or a probability. Out: the other one. Used wherever a bound is a normal (score) bound.
"""

from __future__ import annotations

import math

_ROOT_TWO = math.sqrt(2.0)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


def cdf(z: float) -> float:
    """P(Z <= z).

    >>> round(cdf(1.6448536), 6)
    0.95
    """
    return 0.5 * math.erfc(-z / _ROOT_TWO)


def quantile(p: float) -> float:
    """The z with P(Z <= z) = p, for 0 < p < 1; ValueError outside.

    Newton's method on the upper tail: there the tail is convex, so the steps from 0 never overshoot.

    >>> round(quantile(0.95), 6), round(quantile(0.025), 6)
    (1.644854, -1.959964)
    """
    if not 0.0 < p < 1.0:
        raise ValueError(f"a probability strictly between 0 and 1 is needed, got {p!r}")
    tail = min(p, 1.0 - p)
    z = 0.0
    for _ in range(200):
        step = (0.5 * math.erfc(z / _ROOT_TWO) - tail) * _ROOT_TWO_PI * math.exp(0.5 * z * z)
        z += step
        if abs(step) <= 1e-14 * max(1.0, z):
            break
    return z if p > 0.5 else -z
