"""Thresholds for automatic answers whose error rate is proven, not hoped for.

In: calibration scores with 0/1 labels, or counts per 0.01 cell of a live label window; the allowed share of wrong
automatic answers; delta, the chance of breaking it. Out: the widest threshold that is proven, or None = review all.

*Deny* means p <= threshold, wrong if the label is 1; *approve* means p >= threshold, wrong if the label is 0.
Thresholds are tried from the strict end, one after another, and the first failure ends the search: so one level, not
one per threshold, is spent. The start is the first grid point with `start_n` scores and depends on scores only;
starting where the test first passes would void the guarantee.

Source: Angelopoulos, Bates, Candes, Jordan & Lei, Learn then Test, arXiv 2110.01052 (fixed-sequence testing); the
p-value is exact binomial, so a step passes if the Clopper-Pearson upper bound at level 1 - delta is <= bound.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shipworthy.stats.bounds import rate_upper

CELLS = 100
"""Cells of a live label window: cell k holds the scores in [k/100, (k+1)/100), the last one also 1."""

Step = tuple[float, int, int]
"""(threshold, automatic answers, wrong ones among them)."""


@dataclass(frozen=True, slots=True)
class ProvenThreshold:
    """A threshold with its proof: `wrong` of `n` gave `upper`, the one-sided bound at `level`, within the target."""

    threshold: float
    n: int
    wrong: int
    upper: float
    level: float


def deny_threshold(
    scores: Sequence[float],
    labels: Sequence[int],
    bound: float,
    delta: float,
    start_n: int = 200,
    step: float = 0.01,
    design_effect: float = 1.0,
) -> ProvenThreshold | None:
    """The largest lo with wrong among {p <= lo} proven <= bound at level 1 - delta; None if there is none.

    ValueError unless scores lie in [0, 1], labels are 0 or 1, and 1 / step is a whole number.
    """
    ordered, ones = _sorted_with_ones(scores, labels)
    ends = ((lo, bisect_right(ordered, lo)) for lo in _grid(step))
    return _last_proven(((lo, k, ones[k]) for lo, k in ends), bound, delta, start_n, design_effect)


def approve_threshold(
    scores: Sequence[float],
    labels: Sequence[int],
    bound: float,
    delta: float,
    start_n: int = 200,
    step: float = 0.01,
    design_effect: float = 1.0,
) -> ProvenThreshold | None:
    """The smallest hi with wrong among {p >= hi} proven <= bound at level 1 - delta; None if there is none."""
    ordered, ones = _sorted_with_ones(scores, labels)
    n = len(ordered)
    ends = ((hi, bisect_left(ordered, hi)) for hi in reversed(_grid(step)))
    steps = ((hi, n - k, n - k - (ones[n] - ones[k])) for hi, k in ends)
    return _last_proven(steps, bound, delta, start_n, design_effect)


def cell_of(p: float) -> int:
    """The cell k with k/100 <= p < (k+1)/100 (1 in the last), exact at every edge. ValueError outside [0, 1].

    >>> cell_of(0.29), cell_of(0.57), cell_of(1.0)
    (29, 57, 99)
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"a score in [0, 1] is needed, got {p!r}")
    k = min(int(p * CELLS), CELLS - 1)
    if p < k / CELLS:
        return k - 1
    return k + 1 if k < CELLS - 1 and p >= (k + 1) / CELLS else k


def deny_threshold_from_counts(
    n: Sequence[int], sum_y: Sequence[int], bound: float, delta: float, start_n: int = 200, design_effect: float = 1.0
) -> ProvenThreshold | None:
    """`deny_threshold` from 100 cells of (rows, positives).

    Cells hold their lower edge, so the threshold is the largest float *below* a cell edge: `p <= threshold` is then
    exactly the set that was tested.
    """
    _check_cells(n, sum_y)
    return _last_proven(_deny_steps(n, sum_y), bound, delta, start_n, design_effect)


def approve_threshold_from_counts(
    n: Sequence[int], sum_y: Sequence[int], bound: float, delta: float, start_n: int = 200, design_effect: float = 1.0
) -> ProvenThreshold | None:
    """`approve_threshold` from 100 cells of (rows, positives); the threshold is a cell's lower edge."""
    _check_cells(n, sum_y)
    return _last_proven(_approve_steps(n, sum_y), bound, delta, start_n, design_effect)


def _last_proven(
    steps: Iterable[Step], bound: float, delta: float, start_n: int, design_effect: float
) -> ProvenThreshold | None:
    if not (0.0 < bound < 1.0 and 0.0 < delta < 1.0 and start_n >= 1):
        raise ValueError(f"needs 0 < bound, delta < 1 and start_n >= 1, got {bound!r}, {delta!r}, {start_n!r}")
    proven = None
    for threshold, n, wrong in steps:
        if n < start_n:
            continue
        upper = rate_upper(wrong, n, 1.0 - delta, design_effect)
        if upper > bound:
            break
        proven = ProvenThreshold(threshold, n, wrong, upper, 1.0 - delta)
    return proven


def _deny_steps(n: Sequence[int], sum_y: Sequence[int]) -> Iterator[Step]:
    rows = wrong = 0
    for k in range(CELLS):
        rows, wrong = rows + n[k], wrong + sum_y[k]
        yield (1.0 if k == CELLS - 1 else math.nextafter((k + 1) / CELLS, 0.0)), rows, wrong


def _approve_steps(n: Sequence[int], sum_y: Sequence[int]) -> Iterator[Step]:
    rows = wrong = 0
    for k in reversed(range(CELLS)):
        rows, wrong = rows + n[k], wrong + n[k] - sum_y[k]
        yield k / CELLS, rows, wrong


def _grid(step: float) -> tuple[float, ...]:
    cells = round(1.0 / step) if 0.0 < step <= 1.0 else 0
    if cells < 1 or abs(cells * step - 1.0) > 1e-9:
        raise ValueError(f"a step that divides 1 is needed, got {step!r}")
    return tuple(k / cells for k in range(cells + 1))


def _sorted_with_ones(scores: Sequence[float], labels: Sequence[int]) -> tuple[list[float], list[int]]:
    """Sorted scores, and how many labels are 1 among the first k of them."""
    if len(scores) != len(labels):
        raise ValueError(f"one label per score is needed, got {len(scores)} and {len(labels)}")
    if not all(0.0 <= p <= 1.0 for p in scores) or not all(y in (0, 1) for y in labels):
        raise ValueError("scores in [0, 1] and labels 0 or 1 are needed")
    ones, ordered = [0], []
    for p, y in sorted(zip(scores, labels, strict=True)):
        ordered.append(float(p))
        ones.append(ones[-1] + int(y))
    return ordered, ones


def _check_cells(n: Sequence[int], sum_y: Sequence[int]) -> None:
    if len(n) != CELLS or len(sum_y) != CELLS:
        raise ValueError(f"{CELLS} cells are needed, got {len(n)} and {len(sum_y)}")
    if not all(0 <= y <= rows for rows, y in zip(n, sum_y, strict=True)):
        raise ValueError("each cell needs 0 <= positives <= rows")
