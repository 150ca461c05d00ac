"""Which cells carry labels that nothing explains, and which of them only neighbour one that does.

In: cuts, labels, expected labels. Out: findings, the most surprising first. A cell stands out when its z passes
Bonferroni .01 over all cells, at least 90 % of its labels agree and that is at least 25 points off the expectation.
A planted pair raises flags on its neighbours too: what no longer stands out without the rows of a finding is grouped
under it. A cell that the trusted rows show just as pure is how things are, not what somebody did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.evaluate.poison.cells import LEAST_ROWS, Cut, Sums, sums_of
from shipworthy.evaluate.poison.table import Floats
from shipworthy.stats import normal

ALPHA = 0.01
PURITY = 0.9
OFF = 0.25


@dataclass(frozen=True)
class Finding:
    """A cell that stands out: how many standard deviations, its name, what was seen there, what is grouped under it."""

    z: float
    cell: str
    told: str
    grouped: tuple[str, ...] = ()


def scan(cuts: Sequence[Cut], suspect: int, y: Floats, p: Floats) -> list[Finding]:
    """Return the findings among the first `suspect` rows; the rows behind them are trusted. `y`, `p`: of all rows."""
    sums = sums_of(cuts, suspect, y, p)
    z = np.abs(sums.sum_y - sums.sum_p) / np.sqrt(np.maximum(sums.sum_pq, 1e-12))
    limit = normal.quantile(1.0 - ALPHA / (2.0 * max(1, len(sums))))
    flagged = np.flatnonzero((z >= limit) & is_pure(sums.n, sums.sum_y, sums.sum_p))
    order = [int(at) for at in flagged[np.argsort(-z[flagged], kind="stable")] if _is_new(sums, int(at), suspect, y, p)]
    return _grouped(sums, order, z, limit, suspect, y, p)


def is_pure(n: Floats, sum_y: Floats, sum_p: Floats) -> NDArray[np.bool_]:
    """True where nearly all labels agree, on what was not expected."""
    share, expected = sum_y / n, sum_p / n
    return np.asarray((np.maximum(share, 1.0 - share) >= PURITY) & (np.abs(share - expected) >= OFF))


def _is_new(sums: Sums, at: int, suspect: int, y: Floats, p: Floats) -> bool:
    rows = sums.rows(at)
    known = rows[rows >= suspect]
    if known.size < LEAST_ROWS:
        return True
    return not bool(is_pure(np.array([known.size]), y[known].sum(keepdims=True), p[known].sum(keepdims=True))[0])


def _grouped(
    sums: Sums, order: list[int], z: Floats, limit: float, suspect: int, y: Floats, p: Floats
) -> list[Finding]:
    found: list[Finding] = []
    free = np.arange(len(y)) < suspect
    while order:
        top, rest = order[0], order[1:]
        free[sums.rows(top)] = False
        order = [at for at in rest if _stands(sums, at, free, limit, y, p)]
        under = tuple(sums.name(at) for at in rest if at not in order)
        found.append(Finding(float(z[top]), sums.name(top), _told(sums, top), under))
    return found


def _stands(sums: Sums, at: int, free: NDArray[np.bool_], limit: float, y: Floats, p: Floats) -> bool:
    rows = sums.rows(at)
    left = rows[free[rows]]
    if left.size < LEAST_ROWS:
        return False
    n, sum_y, sum_p = np.array([float(left.size)]), y[left].sum(keepdims=True), p[left].sum(keepdims=True)
    surprise = abs(float(sum_y[0] - sum_p[0])) / max(float((p[left] * (1.0 - p[left])).sum()), 1e-12) ** 0.5
    return surprise >= limit and bool(is_pure(n, sum_y, sum_p)[0])


def _told(sums: Sums, at: int) -> str:
    share, expected = sums.sum_y[at] / sums.n[at], sums.sum_p[at] / sums.n[at]
    return f"{sums.name(at)}: {sums.n[at]:.0f} rows, label 1 in {share:.0%}, expected {expected:.0%}"
