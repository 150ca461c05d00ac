"""How high may the positive rate be at this score, kept by the platform and not by the candidate.

In: calibration scores and 0/1 labels. Out: a small table, and u(p): the one-sided Clopper-Pearson upper bound of the
positive rate in p's bin, made non-decreasing by a running maximum. Bins are of equal *mass*: with equal width one thin
bin would push u to one. Whatever is unknown (NaN, a score outside [0, 1], an empty table) is fully uncertain: 1.

Limit: u follows p, so a confidently wrong p is not seen here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from shipworthy.stats.bounds import rate_upper


@dataclass(frozen=True, slots=True)
class UncertaintyTable:
    """`values[i]` holds for edges[i-1] < p <= edges[i]; one value more than edges, both non-decreasing."""

    edges: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.values) != len(self.edges) + 1:
            raise ValueError("an uncertainty table has one value more than edges")
        if not all(0.0 <= value <= 1.0 for value in self.values) or list(self.values) != sorted(self.values):
            raise ValueError("uncertainty values lie in [0, 1] and do not fall")
        if not all(low < high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("uncertainty edges rise")


def fit(scores: Sequence[float], labels: Sequence[int], bins: int = 20, level: float = 0.95) -> UncertaintyTable:
    """The table of a calibration sample. Equal scores share a bin; fewer rows than bins give fewer bins.

    ValueError unless scores lie in [0, 1], labels are 0 or 1, and bins >= 1.

    >>> fit([0.1] * 59 + [0.9] * 59, [0] * 59 + [1] * 59, bins=2).edges
    (0.1,)
    """
    if len(scores) != len(labels) or bins < 1:
        raise ValueError(f"one label per score and bins >= 1 are needed: {len(scores)}, {len(labels)}, {bins!r}")
    if not all(0.0 <= p <= 1.0 for p in scores) or not all(y in (0, 1) for y in labels):
        raise ValueError("scores must lie in [0, 1] and labels must be 0 or 1")
    if not scores:
        return UncertaintyTable((), (1.0,))
    rows = sorted((float(p), int(y)) for p, y in zip(scores, labels, strict=True))
    cuts = _cuts([p for p, _ in rows], bins)
    pairs = zip((0, *cuts), (*cuts, len(rows)), strict=True)
    uppers = (rate_upper(sum(y for _, y in rows[start:end]), end - start, level) for start, end in pairs)
    return UncertaintyTable(tuple(rows[cut - 1][0] for cut in cuts), tuple(accumulate(uppers, max)))


def look_up(table: UncertaintyTable, p: float) -> float:
    """u(p); 1 where p is NaN or outside [0, 1].

    >>> look_up(UncertaintyTable((0.5,), (0.1, 0.4)), 0.5), look_up(UncertaintyTable((), (1.0,)), float("nan"))
    (0.1, 1.0)
    """
    return table.values[bisect_left(table.edges, p)] if 0.0 <= p <= 1.0 else 1.0


def _cuts(ordered: Sequence[float], bins: int) -> list[int]:
    """Row counts at which a new bin begins, moved behind runs of equal scores, strictly inside the sample."""
    n = len(ordered)
    cuts: list[int] = []
    for k in range(1, bins):
        cut = k * n // bins
        while 0 < cut < n and ordered[cut] == ordered[cut - 1]:
            cut += 1
        if 0 < cut < n and (not cuts or cut > cuts[-1]):
            cuts.append(cut)
    return cuts
