"""Recall of the live detector, which live traffic cannot show: tagged probes of known kinds, scored every hour.

In: stored probe rows by kind and the scorer that answers live traffic. Out: one rate per kind, and the least of them,
which is what an SLO judges. The detector is deterministic, so the same row asked again tells nothing new: n is the
number of rows, whatever the number of hours, and of several rounds the worst one counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from shipworthy.facts import Measurement
from shipworthy.observe.measure import LEVEL, rate

PLAIN = ("unit", "sentinel", "null", "unseen")
STRUCTURAL = ("swap", "shuffle", "hidden_cohort", "incident")
Row = Mapping[str, float | int | str | None]
Round = Mapping[str, tuple[int, int]]
"""kind -> (rows, rows flagged)."""


class OodScoreLike(Protocol):
    """What a scorer says of a row, as far as recall needs it."""

    @property
    def flag(self) -> bool: ...


class ScorerLike(Protocol):
    """The detector that answers live traffic."""

    def score(self, row: Row) -> OodScoreLike: ...


def replay(rows: Mapping[str, Sequence[Row]], scorer: ScorerLike) -> dict[str, tuple[int, int]]:
    """Run one round of probes: kind -> (rows, rows flagged)."""
    return {kind: (len(probes), sum(scorer.score(row).flag for row in probes)) for kind, probes in rows.items()}


def ood_recall(rounds: Sequence[Round], start: int, end: int, level: float = LEVEL) -> tuple[Measurement, ...]:
    """Return ood_recall and ood_recall_structural: the judged least of each, then every kind as a part.

    Plain kinds must all be there: one without probes makes the judged number None. Structural kinds without probes are
    left out of the least, and listed with n = 0. Without a round, nothing was measured and all are None.
    """
    worst = _worst(rounds)
    plain = [_of_kind("ood_recall", kind, worst, start, end, level) for kind in PLAIN]
    structural = [_of_kind("ood_recall_structural", kind, worst, start, end, level) for kind in STRUCTURAL]
    probed = [one for one in structural if one.n] or structural[:1]
    return (least(plain), *plain, least(probed), *structural)


def least(parts: Sequence[Measurement]) -> Measurement:
    """Return the minimum over parts: the smallest value, lo, hi and n; None when any part is None."""
    smallest = min(parts, key=lambda one: -1.0 if one.value is None else one.value)
    known = all(one.value is not None for one in parts)
    return replace(
        smallest,
        n=min(one.n for one in parts),
        value=smallest.value if known else None,
        lo=min((one.lo for one in parts if one.lo is not None), default=None) if known else None,
        hi=min((one.hi for one in parts if one.hi is not None), default=None) if known else None,
        hits=None,
        part=None,
        method=f"least of {', '.join(str(one.part) for one in parts)}",
    )


def _of_kind(indicator: str, kind: str, worst: Round, start: int, end: int, level: float) -> Measurement:
    n, hits = worst.get(kind, (0, 0))
    return rate(indicator, hits, n, start=start, end=end, level=level, part=kind)


def _worst(rounds: Sequence[Round]) -> dict[str, tuple[int, int]]:
    """Per kind the round with the smallest share of flagged rows."""
    worst: dict[str, tuple[int, int]] = {}
    for one in rounds:
        for kind, (n, hits) in one.items():
            seen = worst.get(kind)
            if n and (seen is None or hits * seen[0] < seen[1] * n):
                worst[kind] = (n, hits)
    return worst
