"""Is the candidate worse calibrated than the baseline on the same rows, and by how much at most.

In: two score columns with the same labels, and optionally the cluster of each row. Out: the difference candidate -
baseline of the corrected ECE (positive is worse), bounds of the true difference, and a p-value.

The *p-value* is a paired bootstrap: rows, or whole clusters, are drawn again with both columns together, so what the
two share cancels. Only the spread of the draws is used, not their centre: resampling adds its own noise to an ECE and
would move it (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13; Kumar, Liang & Ma, NeurIPS 2019).
The *bounds* are not: a corrected ECE understates a true error at few rows, so bootstrap bounds of the difference missed
a true worsening of .07 in half of the samples and more. They are upper(a) - lower(b) and lower(a) - upper(b) of
`ece_bounds`, each at half the error: wider, but they hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats import normal
from shipworthy.stats.calibration import BINS, Floats, bin_of, bins_of, ece_bounds, null_excess

Ints = NDArray[np.int64]


def ece_difference(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    labels: ArrayLike,
    level: float = 0.95,
    seed: int = 0,
    draws: int = 400,
    clusters: ArrayLike | None = None,
) -> tuple[float, float, float, float]:
    """(delta, lower, upper, one-sided p-value that a is worse); delta is taken before the floor of ece_corrected at 0.

    Without rows (0, -1, 1, 1). ValueError on scores outside [0, 1], labels other than 0 or 1, unequal lengths.
    """
    bins_a, bins_b = bins_of(scores_a, labels), bins_of(scores_b, labels)
    if bins_a.rows != bins_b.rows or not 0.5 <= level < 1.0 or draws < 100:
        raise ValueError(f"needs equal row counts, .5 <= level < 1, draws >= 100, got {level!r} and {draws!r}")
    if not bins_a.rows:
        return 0.0, -1.0, 1.0, 1.0
    a, b = _columns(scores_a, labels), _columns(scores_b, labels)
    of, half = _clusters(clusters, int(bins_a.rows)), 0.5 * (1.0 + level)
    low_a, high_a = ece_bounds(bins_a, half, seed, 5 * draws, design_effect=_gap_design_effect(a[1], of))
    low_b, high_b = ece_bounds(bins_b, half, seed, 5 * draws, design_effect=_gap_design_effect(b[1], of))
    delta = null_excess(bins_a) - null_excess(bins_b)
    spread = float(np.std([_excess(w, *a) - _excess(w, *b) for w in _redrawn(of, seed, draws)], ddof=1))
    p_worse = normal.cdf(-delta / spread) if spread > 0.0 else float(delta <= 0.0)
    return delta, min(low_a - high_b, delta), max(high_a - low_b, delta), p_worse


def _columns(scores: ArrayLike, labels: ArrayLike) -> tuple[Ints, Floats, Floats]:
    """Per row: bin, gap p - y, and p(1-p)."""
    p, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    return bin_of(p), p - y, p * (1.0 - p)


def _clusters(clusters: ArrayLike | None, rows: int) -> Ints:
    of = np.arange(rows) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    if of.shape != (rows,):
        raise ValueError(f"one cluster per row is needed, got {of.shape} for {rows} rows")
    return of.astype(np.int64)


def _gap_design_effect(gaps: Floats, of: Ints) -> float:
    """Variance of the summed gaps with clusters over that without; at least 1."""
    sums, square = np.bincount(of, weights=gaps - gaps.mean()), float(((gaps - gaps.mean()) ** 2).sum())
    return max(1.0, float(sums @ sums) / square) if square > 0.0 else gaps.size / (int(of.max()) + 1)


def _redrawn(of: Ints, seed: int, draws: int) -> Iterator[Floats]:
    """How often each row is drawn, per draw; rows of one cluster are drawn together."""
    groups, rng = int(of.max()) + 1, np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(rng.integers(0, groups, groups), minlength=groups).astype(np.float64)[of]


def _excess(weights: Floats, at: Ints, gaps: Floats, spread: Floats) -> float:
    """`calibration.null_excess` of the weighted rows."""
    gap = np.abs(np.bincount(at, weights=weights * gaps, minlength=BINS)).sum()
    chance = np.sqrt(np.bincount(at, weights=weights * spread, minlength=BINS)).sum()
    return float((gap - math.sqrt(2.0 / math.pi) * chance) / weights.sum())
