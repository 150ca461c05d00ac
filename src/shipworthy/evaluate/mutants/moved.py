"""What would have noticed a mutant: the number that moved most against the healthy variants.

In: what was measured of one mutant and of the healthy ones, each a value with its bounds, by name. Out: the name that
moved most in the bad direction, in units of what healthy variants differ by, and the limit between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from shipworthy.facts import Evidence, Fact, Measurement
from shipworthy.indicators import INDICATORS

FLOOR = 1e-3  # a spread below it is none: the last digits of two trainings


class Seen(Fact, frozen=True, kw_only=True):
    """One number: its value, how far its own bounds lie apart, and which way is good (`up`, `down`)."""

    value: float
    width: float
    good: str


class Moved(Fact, frozen=True, kw_only=True):
    """`name` moved by `by` spreads to `value`; healthy ones lay in `low` to `high`; `limit` parts them."""

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
        if case.value is not None:
            width = 0.0 if case.lo is None or case.hi is None else case.hi - case.lo
            good = "up" if case.target.startswith(">=") else "down"
            seen[f"case:{case.case}"] = Seen(value=case.value, width=width, good=good)
    return seen


def measured(measurements: Iterable[Measurement], where: str = "") -> dict[str, Seen]:
    """Return the judged numbers among measurements; `where` is added to their names."""
    seen: dict[str, Seen] = {}
    for one in measurements:
        row = INDICATORS.get(one.indicator)
        if one.value is None or one.part is not None or row is None or one.quantile is not None:
            continue
        width = 0.0 if one.lo is None or one.hi is None else one.hi - one.lo
        segment = "" if one.segment == "*" else f" on {one.segment}"
        seen[f"{one.indicator}{segment}{where}"] = Seen(value=one.value, width=width, good=row.good)
    return seen


def most_moved(mutant: Mapping[str, Seen], healthy: Sequence[Mapping[str, Seen]]) -> Moved | None:
    """Return the number beyond every healthy one that moved most, None when there is none."""
    found = [moved for name, one in sorted(mutant.items()) if (moved := _moved(name, one, healthy)) is not None]
    return max(found, key=lambda moved: moved.by, default=None)


def _moved(name: str, one: Seen, healthy: Sequence[Mapping[str, Seen]]) -> Moved | None:
    known = [each[name] for each in healthy if name in each]
    if not known:
        return None
    low, high = min(each.value for each in known), max(each.value for each in known)
    gap = low - one.value if one.good == "up" else one.value - high
    if not math.isfinite(gap) or gap <= FLOOR:
        return None
    spread = max(high - low, min(each.width for each in known) / 2.0, FLOOR)
    edge = low if one.good == "up" else high
    limit = (edge + one.value) / 2.0
    return Moved(name=name, by=gap / spread, value=one.value, low=low, high=high, limit=limit, good=one.good)
