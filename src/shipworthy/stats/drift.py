"""How far two samples of one column lie apart, beyond what sampling alone gives, with bounds that are certified.

In: two columns of numbers or of categories (None = an empty cell, which is a value of its own, below all numbers). Out:
the distance of the samples, the distance that two samples of one population would have on average (null), and one-sided
bounds of the distance of the populations.

Numbers: Kolmogorov-Smirnov. Its null is the mean of the largest |Brownian bridge| over the values that there are
(sqrt(pi/2) ln 2 = .869 where all differ), over sqrt(nm / (n + m)). Bounds: |KS - true| <= A + B, the errors of the two
empirical distributions; each is below a variable with P(> a) = 2 exp(-2 n a^2) (Massart, Ann. Probab. 18 (1990) 1269-
1283), they are independent, and the quantile of the sum is computed, rounded up.
Categories: total variation, which is KS over the worst order of the values. The MOST_VALUES commonest are cells of
their own, the others one cell together. Bounds: by the mean of the error, at most sqrt((k - 1)(1/n + 1/m)) / 2 for k
cells, plus McDiarmid's sqrt(ln(1/a) (1/n + 1/m) / 2).

Rows that come in units count as fewer (n / design effect), never as more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_VALUES = 30
MEAN_BRIDGE = math.sqrt(0.5 * math.pi) * math.log(2.0)  # the mean of Kolmogorov's distribution
_FEW_VALUES = 200  # from here on the mean over the values that there are is within a few percent of that over all
_DRAWS = 2000
_GRID = 2000


@dataclass(frozen=True, slots=True)
class Distance:
    """`seen` between the samples, `null` on average without drift, and bounds of what holds between the populations."""

    seen: float
    null: float
    lower: float
    upper: float

    @property
    def excess(self) -> float:
        """Return what is seen beyond sampling, at least 0."""
        return max(0.0, self.seen - self.null)


def numbers_apart(
    a: Sequence[float | None],
    b: Sequence[float | None],
    level: float = 0.95,
    design_effects: tuple[float, float] = (1.0, 1.0),
    seed: int = 0,
) -> Distance:
    """Return the KS distance of two columns. ValueError if one is empty, a cell is NaN, or the level is out of range.

    >>> numbers_apart([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]).seen
    0.5
    """
    n, m = _sizes(a, b, level, design_effects)
    one, other = _numbers(a), _numbers(b)
    values = np.unique(np.concatenate([one, other]))
    below = [np.searchsorted(np.sort(column), values, side="right") / column.size for column in (one, other)]
    seen = float(np.abs(below[0] - below[1]).max())
    pooled = (one.size * below[0] + other.size * below[1]) / (one.size + other.size)
    null = mean_bridge(pooled, seed) * math.sqrt(1.0 / n + 1.0 / m)
    return _distance(seen, null, ks_error(n, m, level))


def categories_apart(
    a: Sequence[str | None],
    b: Sequence[str | None],
    level: float = 0.95,
    design_effects: tuple[float, float] = (1.0, 1.0),
) -> Distance:
    """Return the total variation of two columns of categories. ValueError as for numbers.

    >>> categories_apart(["x", "y"], ["x", "z"]).seen
    0.5
    """
    n, m = _sizes(a, b, level, design_effects)
    pooled = Counter(a) + Counter(b)
    common = sorted(pooled, key=lambda value: (-pooled[value], value is None, value or ""))[:MOST_VALUES]
    cell = {value: at for at, value in enumerate(common)}
    cells = len(common) + (len(pooled) > len(common))
    shares = [np.bincount([cell.get(value, len(common)) for value in column], minlength=cells) for column in (a, b)]
    p, q = shares[0] / len(a), shares[1] / len(b)
    both = (shares[0] + shares[1]) / (len(a) + len(b))
    noise = 1.0 / n + 1.0 / m
    null = 0.5 * math.sqrt(2.0 / math.pi * noise) * float(np.sqrt(both * (1.0 - both)).sum())
    error = 0.5 * math.sqrt((cells - 1) * noise) + math.sqrt(-0.5 * math.log1p(-level) * noise)
    return _distance(0.5 * float(np.abs(p - q).sum()), null, error)


@lru_cache(maxsize=256)
def ks_error(n: float, m: float, level: float) -> float:
    """Return e with P(|KS of samples of n and m - KS of their populations| > e) <= 1 - level, whatever they are.

    >>> round(ks_error(1000, 1000, 0.95), 4)
    0.0762
    """
    # A = sqrt(ln(2 / u) / 2n), u uniform. The grid takes A at the small end of each cell: larger, so the sum is too.
    u = (np.arange(_GRID) + 1.0) / _GRID
    first = np.sqrt(np.log(2.0 / np.concatenate([[1e-12], u[:-1]])) / (2.0 * n))
    low, high = 0.0, 2.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        rest = np.maximum(middle - first, 0.0)
        beyond = float(np.minimum(1.0, 2.0 * np.exp(-2.0 * m * rest * rest)).mean())
        low, high = (low, middle) if beyond <= 1.0 - level else (middle, high)
    return high


def _distance(seen: float, null: float, error: float) -> Distance:
    return Distance(seen, null, max(0.0, seen - error), min(1.0, seen + error))


def mean_bridge(shares: Floats, seed: int) -> float:
    """The mean of the largest |bridge| at these points of [0, 1]: simulated where they are few."""
    if shares.size > _FEW_VALUES:
        return MEAN_BRIDGE
    steps = np.sqrt(np.diff(np.concatenate([[0.0], shares, [1.0]])).clip(0.0))
    walk = np.cumsum(_drawn(seed, steps.size) * steps, axis=1)
    bridge = walk[:, :-1] - walk[:, -1:] * shares
    return float(np.abs(bridge).max(axis=1).mean())


@lru_cache(maxsize=64)
def _drawn(seed: int, steps: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((_DRAWS, steps))


def _numbers(column: Sequence[float | None]) -> Floats:
    values = np.array([-math.inf if value is None else value for value in column], dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("a cell that is not a number is an empty one: write None")
    return values


def _sizes(a: Sequence[object], b: Sequence[object], level: float, effects: tuple[float, float]) -> tuple[float, float]:
    if not a or not b or not 0.5 <= level < 1.0 or min(effects) < 1.0:
        raise ValueError(f"two columns, .5 <= level < 1 and design effects >= 1 are needed: {level!r} {effects!r}")
    return len(a) / effects[0], len(b) / effects[1]
