"""Live thresholds: calibration decides how much goes to people, inside the error bounds that were signed.

In: counts of labelled scores, those of the calibration rows and those of matured live decisions; the signed `Review`
bounds. Out: thresholds proven by Learn then Test (`stats.risk_control`), or the fact that nothing is proven, which
means that a person decides everything. This is no order: thresholds move both ways, each move a ledger entry first.

Only decisions older than the longest label delay may come in: before that, reviewed cases dominate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from shipworthy.contract.manifest import Review
from shipworthy.facts import LabelCells, LiveThresholds
from shipworthy.stats.risk_control import (
    CELLS,
    ProvenThreshold,
    approve_threshold_from_counts,
    cell_of,
    deny_threshold_from_counts,
)

_DONE = {"approve": "approvals", "deny": "denials"}


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Labelled scores by cell of 0.01: rows and positives, lowest scores first."""

    n: tuple[int, ...] = (0,) * CELLS
    positives: tuple[int, ...] = (0,) * CELLS

    def __add__(self, other: CellCounts) -> CellCounts:
        """Return both together."""
        return CellCounts(
            tuple(map(int.__add__, self.n, other.n)), tuple(map(int.__add__, self.positives, other.positives))
        )


def counted(pairs: Iterable[tuple[float, int]]) -> CellCounts:
    """Return the counts of (score, label) pairs. Raises ValueError for a score outside [0, 1] or a label not 0 or 1."""
    n, positives = [0] * CELLS, [0] * CELLS
    for score, label in pairs:
        if label not in (0, 1):
            raise ValueError(f"a label is 0 or 1, not {label!r}")
        cell = cell_of(score)
        n[cell] += 1
        positives[cell] += label
    return CellCounts(tuple(n), tuple(positives))


def summed(cells: Iterable[LabelCells]) -> CellCounts:
    """Return the counts of hours of labelled cells together."""
    total = CellCounts()
    for one in cells:
        total = total + CellCounts(one.n, one.positives)
    return total


def recalibrate(
    version: str,
    bucket: str,
    calibration: CellCounts,
    live: CellCounts,
    review: Review,
    at: str,
    current: LiveThresholds | None = None,
) -> LiveThresholds | None:
    """Return where the thresholds move to, or None when they stay where `current` has them.

    A side without a proof is None: nothing is denied (approved) without a person; with neither, a person decides all.
    """
    counts = calibration + live
    deny, approve = proven(counts, review)
    if current is not None and (current.deny, current.approve) == (deny, approve):
        return None
    return LiveThresholds(
        version=version,
        bucket=bucket,
        deny=deny,
        approve=approve,
        at=at,
        n=sum(counts.n),
        denied=review.denied,
        approved=review.approved,
        delta=review.delta,
        auto=automatic(counts, deny, approve),
    )


def price(moved: LiveThresholds, before: LiveThresholds | None = None) -> str:
    """Return the guarantee and what it costs, in words.

    >>> price(LiveThresholds(version="2", bucket="*", deny=None, approve=0.8, at="", n=900, denied=0.15, approved=0.25,
    ...     delta=0.05, auto=0.125))
    'approve from 0.8, deny nothing: at most 25 % of approvals wrong (95 % sure, n=900); the machine decides 12.5 %'
    """
    told, bounds = [], []
    for word, side, at, limit in (
        ("approve", "from", moved.approve, moved.approved),
        ("deny", "to", moved.deny, moved.denied),
    ):
        told.append(f"{word} nothing" if at is None else f"{word} {side} {at:.4g}")
        if at is not None and limit is not None:
            bounds.append(f"{100 * limit:.3g} % of {_DONE[word]}")
    sure = "" if moved.delta is None else f" ({100 * (1 - moved.delta):.3g} % sure, n={moved.n})"
    proven = (
        f"at most {' and '.join(bounds)} wrong{sure}" if bounds else "nothing is proven, a person decides everything"
    )
    auto = "" if moved.auto is None else f"; the machine decides {100 * moved.auto:.3g} %"
    was = "" if before is None or before.auto is None else f", before {100 * before.auto:.3g} %"
    return f"{', '.join(told)}: {proven}{auto}{was}"


def automatic(counts: CellCounts, deny: float | None, approve: float | None) -> float | None:
    """Return the share of these scores that a machine would decide at these thresholds; None without a score.

    >>> automatic(counted([(0.1, 0), (0.5, 1), (0.95, 1), (0.97, 1)]), 0.2, None)
    0.25
    """
    rows = sum(counts.n)
    denied = sum(counts.n[: round(deny * CELLS)]) if deny is not None else 0
    approved = sum(counts.n[round(approve * CELLS) :]) if approve is not None else 0
    return (denied + approved) / rows if rows else None


def proven(counts: CellCounts, review: Review) -> tuple[float | None, float | None]:
    """Return (deny, approve): deny where score <= deny, approve where score >= approve, and never both."""
    settings = (review.delta, review.start_n)
    deny = deny_threshold_from_counts(counts.n, counts.positives, review.denied, *settings)
    approve = approve_threshold_from_counts(counts.n, counts.positives, review.approved, *settings)
    if deny is not None and approve is not None and deny.threshold >= approve.threshold:
        return _parted(deny, approve, counts, review.start_n)
    return (deny.threshold if deny else None), (approve.threshold if approve else None)


def _parted(
    deny: ProvenThreshold, approve: ProvenThreshold, counts: CellCounts, start_n: int
) -> tuple[float | None, float | None]:
    """Part two answers that overlap. Every stricter threshold was proven on the way, from `start_n` rows on.

    The cut is the middle of the overlap, moved until both sides hold `start_n`; if none does, a person decides all.
    """
    low, high = round(approve.threshold * CELLS), math.ceil(deny.threshold * CELLS)
    middle = (low + high) / 2
    for cut in sorted(range(low, high + 1), key=lambda cell: (abs(cell - middle), cell)):
        if sum(counts.n[:cut]) >= start_n and sum(counts.n[cut:]) >= start_n:
            return math.nextafter(cut / CELLS, 0.0), cut / CELLS
    return None, None
