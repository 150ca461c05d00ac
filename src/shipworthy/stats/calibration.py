"""Expected calibration error from sums per score bin, corrected for what chance alone would show, with bounds.

In: scores and 0/1 labels, or the sums of them per bin that a live window keeps. Out: the raw error, the null-corrected
one, and one-sided bounds of the true one. A perfectly calibrated model has a raw ECE of .05 at 500 rows; a target on
it would judge the sample size, which is why the corrected value is reported and the bounds decide.

15 equal-width bins. A live window keeps 60 score bins (60 = 4 * 15), which merge into 15 without loss; 100 would not.
Blocks of time are summed up by a nearest-rank percentile, with bounds by order statistics.

Sources: Naeini, Cooper & Hauskrecht, AAAI 2015 (ECE); the correction takes off the mean of the folded normal,
sqrt(2/pi) * sd, bin by bin; the bounds are argued in `ece_bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats.bounds import zero_event_bound
from shipworthy.stats.quantiles import nearest_rank, quantile_ranks

Floats = NDArray[np.float64]

BINS = 15
WINDOW_BINS = 60
_MEAN_FOLDED = math.sqrt(2.0 / math.pi)
_MOST_DRAWS = 20_000
_LEAST_BEYOND = 5  # draws beyond a quantile; with fewer it is no quantile any more


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationBins:
    """Per equal-width score bin, lowest first: rows, sum of p, sum of labels, sum of p(1-p); arrays of one length."""

    n: Floats
    sum_p: Floats
    sum_y: Floats
    sum_pq: Floats

    def __post_init__(self) -> None:
        columns = (self.n, self.sum_p, self.sum_y, self.sum_pq)
        if len({column.shape for column in columns}) != 1 or self.n.ndim != 1 or self.n.size == 0:
            raise ValueError("calibration bins are four rows of one length")
        if any(not np.isfinite(column).all() or (column < 0.0).any() for column in columns):
            raise ValueError("calibration sums are finite and >= 0")
        if (self.sum_y > self.n).any():
            raise ValueError("a bin cannot hold more positives than rows")

    @property
    def rows(self) -> float:
        """All rows of all bins."""
        return float(self.n.sum())


def bin_of(scores: ArrayLike, bins: int = BINS) -> NDArray[np.int64]:
    """The bin of each score in [0, 1], floor(p * bins), 1 in the last one.

    Counts that divide 60 go through the 60 window bins, so live and offline rows never part at an edge.
    """
    fine = WINDOW_BINS if WINDOW_BINS % bins == 0 else bins
    cells = np.minimum(np.asarray(scores, dtype=np.float64) * fine, fine - 1).astype(np.int64)
    return cells // (fine // bins)


def bins_of(scores: ArrayLike, labels: ArrayLike, bins: int = BINS) -> CalibrationBins:
    """Sums per bin. ValueError unless scores lie in [0, 1], labels are 0 or 1, and both have one length.

    >>> bins_of([0.1, 0.12, 0.9], [0, 1, 1]).sum_y.nonzero()[0].tolist()
    [1, 13]
    """
    p, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape:
        raise ValueError(f"one label per score is needed, got shapes {p.shape} and {y.shape}")
    if not ((p >= 0.0) & (p <= 1.0)).all() or not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("scores must lie in [0, 1] and labels must be 0 or 1")
    at = bin_of(p, bins)

    def summed(weights: Floats) -> Floats:
        return np.bincount(at, weights=weights, minlength=bins).astype(np.float64)

    return CalibrationBins(summed(np.ones_like(p)), summed(p), summed(y), summed(p * (1.0 - p)))


def merge_to(b: CalibrationBins, bins: int = BINS) -> CalibrationBins:
    """Neighbouring bins added up to `bins` of them. ValueError where edges would have to be cut (100 into 15)."""
    if b.n.size % bins:
        raise ValueError(f"{b.n.size} bins cannot be merged into {bins} without cutting one; keep {WINDOW_BINS}")
    n, sum_p, sum_y, sum_pq = (c.reshape(bins, -1).sum(axis=1) for c in (b.n, b.sum_p, b.sum_y, b.sum_pq))
    return CalibrationBins(n, sum_p, sum_y, sum_pq)


def merge_to_15(window: CalibrationBins) -> CalibrationBins:
    """A window's 60 score bins as the 15 that the ECE is defined on (30, 45 and 15 itself work as well)."""
    return merge_to(window, BINS)


def pooled(parts: Iterable[CalibrationBins]) -> CalibrationBins:
    """The bins of several windows or shards added up; all with the same number of bins, at least one."""
    kept = list(parts)
    if not kept:
        raise ValueError("no calibration bins to pool")
    n, sum_p, sum_y, sum_pq = (
        np.sum([getattr(part, column) for part in kept], axis=0) for column in ("n", "sum_p", "sum_y", "sum_pq")
    )
    return CalibrationBins(n, sum_p, sum_y, sum_pq)


def ece_raw(b: CalibrationBins) -> float:
    """Sum over bins of |sum p - sum y| / all rows; NaN without rows."""
    return float(np.abs(b.sum_p - b.sum_y).sum() / b.rows) if b.rows else math.nan


def null_excess(b: CalibrationBins, design_effect: float = 1.0) -> float:
    """What ece_raw - E[ece_raw of a perfectly calibrated model] is here: the corrected ECE before its floor at 0."""
    if not b.rows:
        return math.nan
    return ece_raw(b) - _MEAN_FOLDED * float(np.sqrt(b.sum_pq * design_effect).sum()) / b.rows


def ece_corrected(b: CalibrationBins, design_effect: float = 1.0) -> float:
    """Null-corrected ECE, floored at 0; NaN without rows. With few rows it understates a true error, never a null."""
    return max(0.0, null_excess(b, design_effect)) if b.rows else math.nan


def ece_bounds(
    b: CalibrationBins, level: float = 0.95, seed: int = 0, draws: int = 1000, design_effect: float = 1.0
) -> tuple[float, float]:
    """(lower, upper) for the true binned ECE, each one-sided at `level`, from the bins alone; (0, 1) without rows.

    With d = sum p - sum y per bin = true gap + noise, the noise being independent and about normal with sd s:
    *lower*: any seminorm S with S(v) <= sum |v| has S(d) - S(noise) <= sum |true gap|, so S(d) minus the upper quantile
    of S(noise) is a lower bound, whatever the gaps. Three are tried, sharing the error: sum |v|; the largest
    |sum v below a score - sum v above it|, for over- and underconfidence; |sum v|, for scores too high or too low.
    *upper*: of all gaps with a given sum |gap|, those proportional to s make sum |d| smallest; the bound is the largest
    such sum whose chance of a sum |d| this small is still 1 - level. Tried with the model's own p(1-p) and with the
    observed spread, and never below what no event in as many rows would prove.
    More draws are taken where the level needs them, up to 20,000. Beyond (an alarm budget's level) the lower bound
    comes from a concentration inequality and there is no upper one (1).
    Both are held to enclose `ece_corrected`. Simulated at level .95: the lower bound passes the truth in <= .04 of
    samples, the upper one falls short in <= .05, and in <= .09 if rare labels of one bin make up the whole error.
    Raises ValueError on a level or design effect out of range.
    """
    if not (0.5 <= level < 1.0 and design_effect >= 1.0 and draws >= 100):
        raise ValueError(f"needs .5 <= level < 1, deff >= 1, draws >= 100: {level!r} {design_effect!r} {draws!r}")
    if not b.rows:
        return 0.0, 1.0
    sd = np.sqrt(_variance(b) * design_effect)
    tail = 1.0 - level
    draws = max(draws, min(math.ceil(_LEAST_BEYOND / tail), _MOST_DRAWS))
    unit = np.random.default_rng(seed).standard_normal((draws, sd.size))
    gaps, point = b.sum_p - b.sum_y, ece_corrected(b, design_effect)
    reachable = tail * draws >= _LEAST_BEYOND
    lower = (_gap_sum_lower(gaps, unit * sd, tail) if reachable else _far_gap_sum_lower(gaps, sd, tail)) / b.rows
    seen = float(np.abs(gaps).sum())
    own = np.sqrt(b.sum_pq * design_effect)
    upper = max(_gap_sum_upper(seen, noise, unit, tail) for noise in (sd, own)) / b.rows if reachable else 1.0
    least = zero_event_bound(b.rows / design_effect, level)
    return min(max(0.0, lower), point), min(1.0, max(upper, point, least))


def percentile_over_blocks(values: ArrayLike, q: float) -> float:
    """The nearest-rank q-quantile of finite block values, 0 < q <= 1; ValueError on none or on NaN.

    >>> percentile_over_blocks(range(1, 25), 0.95)
    23.0
    """
    blocks = _blocks(values)
    return float(np.sort(blocks)[nearest_rank(blocks.size, q) - 1])


def percentile_bounds(values: ArrayLike, q: float, level: float = 0.95) -> tuple[float | None, float | None]:
    """(lower, upper) of the q-quantile of blocks by order statistics, each one-sided at `level` whatever their law.

    None where there are too few blocks: the upper bound of a 95th percentile at level .95 needs 59. A bootstrap would
    give one with fewer, but never passes the largest block: simulated, it holds in .63 of cases with 20 blocks and in
    .79 with 60.

    >>> percentile_bounds(range(1, 60), 0.95), percentile_bounds(range(1, 25), 0.95)
    ((53.0, 59.0), (21.0, None))
    """
    blocks = np.sort(_blocks(values))
    low, high = quantile_ranks(blocks.size, q, level)
    return (None if low is None else float(blocks[low - 1])), (None if high is None else float(blocks[high - 1]))


def percentile_or_pooled(
    values: ArrayLike, q: float, level: float, pooled_upper: float
) -> tuple[float, float, float, bool]:
    """(value, lower, upper, True) of the q-quantile of blocks. Where it has no upper bound of its own the flag is False
    and `pooled_upper`, that of all rows together, stands in: never below the quantile seen, so that few bad blocks are
    not averaged away."""
    value = percentile_over_blocks(values, q)
    low, high = percentile_bounds(values, q, level)
    lower = 0.0 if low is None else low
    return value, lower, max(value, pooled_upper) if high is None else high, high is not None


def _variance(b: CalibrationBins) -> Floats:
    """Variance of sum y per bin: the larger of the model's own and the observed one (two of each label added)."""
    seen = (b.sum_y + 2.0) / (b.n + 4.0)
    return np.where(b.n > 0.0, np.maximum(b.sum_pq, b.n * seen * (1.0 - seen)), 0.0)


def _gap_sum_lower(gaps: Floats, noise: Floats, tail: float) -> float:
    """max over the seminorms of (seen - quantile under noise); the chance that any noise passes its own is `tail`."""
    drawn = _seminorms(noise)
    places = np.arange(drawn.shape[1]) / drawn.shape[1]
    beyond = np.empty_like(drawn)
    np.put_along_axis(beyond, np.argsort(-drawn, axis=1), np.broadcast_to(places, drawn.shape), axis=1)
    each = float(np.quantile(beyond.min(axis=0), tail))
    return float((_seminorms(gaps[np.newaxis])[:, 0] - np.quantile(drawn, 1.0 - each, axis=1)).max())


def _far_gap_sum_lower(gaps: Floats, sd: Floats, tail: float) -> float:
    """The same beyond what draws can reach. sum |noise| is a function of standard normals with Lipschitz constant
    |sd|, so it passes its mean by t with chance exp(-t^2 / (2 |sd|^2)) at most (Borell-TIS); |sum noise| is normal."""
    spread = math.sqrt(float((sd * sd).sum()))
    each = 0.5 * tail
    far = math.sqrt(-2.0 * math.log(each)) * spread
    summed = float(np.abs(gaps).sum()) - _MEAN_FOLDED * float(sd.sum()) - far
    return max(summed, abs(float(gaps.sum())) - math.sqrt(-2.0 * math.log(0.5 * each)) * spread)


def _seminorms(v: Floats) -> Floats:
    """Three rows: sum |v|, max over cuts of |sum below - sum above|, |sum v|; each at most the first."""
    total = v.sum(axis=1)
    turned = np.abs(total[:, np.newaxis] - 2.0 * np.cumsum(v, axis=1)).max(axis=1)
    return np.stack([np.abs(v).sum(axis=1), turned, np.abs(total)])


def _gap_sum_upper(seen: float, sd: Floats, unit: Floats, tail: float) -> float:
    """The largest sum of gaps, spread like sd, for which a sum |d| <= seen still has chance `tail`."""
    low, high = 0.0, 10.0 + seen / max(float(sd.sum()), 1e-12)
    for _ in range(25):
        middle = 0.5 * (low + high)
        if np.quantile(np.abs(middle + unit) @ sd, tail) < seen:
            low = middle
        else:
            high = middle
    return high * float(sd.sum())


def _blocks(values: ArrayLike) -> Floats:
    blocks = np.asarray(values if not isinstance(values, range) else list(values), dtype=np.float64)
    if blocks.ndim != 1 or blocks.size == 0 or not np.isfinite(blocks).all():
        raise ValueError("at least one block and only finite block values are needed")
    return blocks
