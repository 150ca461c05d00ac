"""How far two samples lie apart when only their counts per cell are known, and what the cells may hide.

In: counts of one sample and of the reference in the same cells. Out: a `Distance` as `stats.drift` makes it from whole
columns, plus what binning leaves open: the distance of the samples themselves lies in [seen, seen + slack], always.

Ordered cells (numbers): Kolmogorov-Smirnov. Between two edges of a cell both distribution functions rise by no more
than their share p and q of it; from a difference D at its lower edge they reach at most max(D + p, q - D). A cell that
holds one value hides nothing. Unordered cells (categories): total variation, which cells of single values tell exactly.

PSI = sum (p - q) ln(p / q) with half a row added to each cell; without drift it is about (k - 1)(1/n + 1/m) (its second
order term is a chi-square with k - 1 degrees). JS divergence is told in bits (log base 2, at most 1); without drift it
is about (k - 1)(1/n + 1/m) / (8 ln 2). A limit on either without its null is a limit on the sample size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats.drift import Distance, ks_error, mean_bridge

Floats = NDArray[np.float64]
_PARTS = 256  # cells are rounded to so many parts for the null, so that like columns share one simulation


@dataclass(frozen=True, slots=True)
class Binned:
    """A distance of two samples known by counts. `slack`: how much larger that of the samples themselves may be."""

    apart: Distance
    slack: float


@dataclass(frozen=True, slots=True)
class Divergence:
    """A divergence, what it would be on average without drift, and its excess over that, at least 0."""

    seen: float
    null: float

    @property
    def excess(self) -> float:
        """Return what is seen beyond sampling."""
        return max(0.0, self.seen - self.null)


def ordered_apart(
    live: ArrayLike,
    reference: ArrayLike,
    single: ArrayLike | None = None,
    level: float = 0.95,
    design_effects: tuple[float, float] = (1.0, 1.0),
    seed: int = 0,
) -> Binned:
    """Return the KS distance of two samples by their counts in ordered cells, lowest first.

    `single`: which cells hold one value only. The bounds are those of the populations: sampling and slack together.
    Raises ValueError on an empty sample, other lengths or negative counts.

    >>> found = ordered_apart([30, 10], [10, 30])
    >>> found.apart.seen, found.slack
    (0.5, 0.25)
    """
    p, q, n, m = _shares(live, reference, design_effects)
    alone = np.zeros(p.size, dtype=bool) if single is None else np.asarray(single, dtype=bool)
    edge = np.cumsum(p - q)
    start = np.concatenate([[0.0], edge[:-1]])
    seen = float(np.abs(edge).max())
    inside = np.where(alone, 0.0, np.maximum(start + p, q - start))
    slack = max(0.0, float(inside.max()) - seen)
    held = _counts(live) + _counts(reference)
    parts = np.rint(held * (_PARTS / held.sum())).astype(int)
    null = _mean_bridge(tuple(parts[parts > 0].tolist()), seed) * math.sqrt(1.0 / n + 1.0 / m)
    error = ks_error(n, m, level)
    bounds = max(0.0, seen - error), min(1.0, seen + slack + error)
    return Binned(Distance(seen, null, *bounds), slack)


def unordered_apart(
    live: ArrayLike,
    reference: ArrayLike,
    level: float = 0.95,
    design_effects: tuple[float, float] = (1.0, 1.0),
) -> Binned:
    """Return the total variation of two samples by their counts in unordered cells; bounds as `stats.drift` has them.

    >>> unordered_apart([30, 10], [10, 30]).apart.seen
    0.5
    """
    p, q, n, m = _shares(live, reference, design_effects)
    held = _counts(live) + _counts(reference)
    both = held / held.sum()
    cells = max(2, int(np.count_nonzero(held)))
    noise = 1.0 / n + 1.0 / m
    null = 0.5 * math.sqrt(2.0 / math.pi * noise) * float(np.sqrt(both * (1.0 - both)).sum())
    error = 0.5 * math.sqrt((cells - 1) * noise) + math.sqrt(-0.5 * math.log1p(-level) * noise)
    seen = 0.5 * float(np.abs(p - q).sum())
    return Binned(Distance(seen, null, max(0.0, seen - error), min(1.0, seen + error)), 0.0)


def psi(live: ArrayLike, reference: ArrayLike) -> Divergence:
    """Return the population stability index, natural logarithm, with its null. Raises ValueError as above."""
    p, q, n, m, cells = _smoothed(live, reference)
    return Divergence(float(((p - q) * np.log(p / q)).sum()), (cells - 1) * (1.0 / n + 1.0 / m))


def js_bits(live: ArrayLike, reference: ArrayLike) -> Divergence:
    """Return the Jensen-Shannon divergence (not its root) in bits, with its null. Raises ValueError as above."""
    p, q, n, m, cells = _smoothed(live, reference)
    middle = 0.5 * (p + q)
    seen = 0.5 * float((p * np.log2(p / middle) + q * np.log2(q / middle)).sum())
    return Divergence(max(0.0, seen), (cells - 1) * (1.0 / n + 1.0 / m) / (8.0 * math.log(2.0)))


@lru_cache(maxsize=4096)
def _mean_bridge(parts: tuple[int, ...], seed: int) -> float:
    """The mean of the largest |bridge| at the edges of these cells, told in parts of about one."""
    shares = np.cumsum(parts) / sum(parts)
    return mean_bridge(shares, seed)


def _smoothed(live: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats, float, float, int]:
    a, b = _counts(live), _counts(reference)
    _, _, n, m = _shares(live, reference, (1.0, 1.0))
    held = (a + b) > 0
    a, b = a[held] + 0.5, b[held] + 0.5
    return a / a.sum(), b / b.sum(), n, m, int(held.sum())


def _shares(live: ArrayLike, reference: ArrayLike, effects: tuple[float, float]) -> tuple[Floats, Floats, float, float]:
    a, b = _counts(live), _counts(reference)
    if a.shape != b.shape or a.sum() <= 0 or b.sum() <= 0 or min(effects) < 1.0:
        raise ValueError(f"two samples in the same cells are needed: {a.shape} of {a.sum()}, {b.shape} of {b.sum()}")
    return a / a.sum(), b / b.sum(), float(a.sum()) / effects[0], float(b.sum()) / effects[1]


def _counts(given: ArrayLike) -> Floats:
    counts = np.asarray(given, dtype=np.float64)
    if counts.ndim != 1 or counts.size == 0 or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError("counts are one row of finite numbers from 0")
    return counts
