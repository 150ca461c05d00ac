"""What would have noticed a mutant: the number that left the healthy variants furthest behind, bounds included.

In: what was measured of one mutant and of the healthy ones, each a value with its bounds, by name. Out: a limit that
every healthy one is proven to keep and the mutant is not, for the number where the two lie furthest apart. At the gate
a bound that crosses the limit stops a release; the runtime acts only when the limit is proven to be crossed, so there
the mutant's milder bound must be beyond it. A wide bound alone parts nobody: the value itself must lie beyond what
healthy variants prove.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from shipworthy.facts import Evidence, Fact, Measurement
from shipworthy.indicators import INDICATORS

LIVE = " at run time"
FLOOR = 1e-3  # a difference below it is none: the last digits of two trainings
_EXACT = ("count", "enumerated")


class Seen(Fact, frozen=True, kw_only=True):
    """One number with its bounds, and which way is good (`up`, `down`)."""

    value: float
    lo: float
    hi: float
    good: str


class Moved(Fact, frozen=True, kw_only=True):
    """`name` is `value` here and `low` to `high` in healthy ones; `limit` parts them, by `by` widths of its bounds."""

    name: str
    by: float
    value: float
    low: float
    high: float
    limit: float
    good: str

    def __str__(self) -> str:
        """Say it as a target that would have caught it."""
        op = ">=" if self.good == "up" else "<="
        healthy = f"{self.low:.3g}" if self.low == self.high else f"{self.low:.3g} to {self.high:.3g}"
        return f"{self.name} {op} {self.limit:.3g} ({self.value:.3g} here, {healthy} in healthy ones)"


def seen_in(evidence: Evidence) -> dict[str, Seen]:
    """Return the judged numbers and the cases of an evaluation, by `<indicator> on <segment>` or `case:<id>`."""
    seen = measured(evidence.measurements)
    for case in evidence.cases:
        if case.value is not None and case.lo is not None and case.hi is not None:
            good = "up" if case.target.startswith(">=") else "down"
            seen[f"case:{case.case}"] = Seen(value=case.value, lo=case.lo, hi=case.hi, good=good)
    return seen


def measured(measurements: Iterable[Measurement], where: str = "") -> dict[str, Seen]:
    """Return the judged numbers among measurements; `where` is added to their names."""
    seen: dict[str, Seen] = {}
    for one in measurements:
        row = INDICATORS.get(one.indicator)
        if row is None or one.value is None or one.lo is None or one.hi is None:
            continue
        if one.part is None and one.quantile is None:
            lo, hi = (one.value, one.value) if row.kind in _EXACT else (one.lo, one.hi)
            segment = "" if one.segment == "*" else f" on {one.segment}"
            seen[f"{one.indicator}{segment}{where}"] = Seen(value=one.value, lo=lo, hi=hi, good=row.good)
    return seen


def most_moved(mutant: Mapping[str, Seen], healthy: Sequence[Mapping[str, Seen]]) -> Moved | None:
    """Return the number that parts the mutant from every healthy one most clearly, None when none does."""
    found = [moved for name, one in sorted(mutant.items()) if (moved := _moved(name, one, healthy)) is not None]
    return max(found, key=lambda moved: moved.by, default=None)


def _moved(name: str, one: Seen, healthy: Sequence[Mapping[str, Seen]]) -> Moved | None:
    known = [each[name] for each in healthy if name in each]
    if not known:
        return None
    if one.good == "up":
        kept, crossed = min(each.lo for each in known), one.hi if name.endswith(LIVE) else one.lo
        gap, beyond = kept - crossed, one.value < kept
    else:
        kept, crossed = max(each.hi for each in known), one.lo if name.endswith(LIVE) else one.hi
        gap, beyond = crossed - kept, one.value > kept
    if not beyond or not math.isfinite(gap) or gap <= FLOOR:
        return None
    values = [each.value for each in known]
    return Moved(
        name=name,
        by=gap / max(one.hi - one.lo, FLOOR),
        value=one.value,
        low=min(values),
        high=max(values),
        limit=(kept + crossed) / 2.0,
        good=one.good,
    )
