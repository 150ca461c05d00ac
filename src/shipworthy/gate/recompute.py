"""Distrust the evidence: bounds of rates are made again from hits and n, and a mismatch is refused.

In: measurements. Out: one line per measurement whose bounds do not follow from its own counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.facts import CaseResult, Measurement
from shipworthy.indicators import INDICATORS, Indicator
from shipworthy.stats.bounds import rate_bounds

TOLERANCE = 1e-9


def mismatches(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return what does not recompute. Rates without hits are a mismatch too: a bound needs its counts."""
    return tuple(told for one in measurements if (told := _mismatch(one)))


def _mismatch(one: Measurement) -> str:
    row = INDICATORS.get(one.indicator)
    if row is None:
        return f"{one.indicator}: not an indicator"
    if one.source == "imported" and (wrong := _miscounted(one, row)):
        return wrong
    if not _is_share(one, row) or one.value is None or one.n == 0:
        return ""
    name = f"{one.indicator}{f' ({one.part})' if one.part else ''} on {one.segment}"
    if one.hits is None or not 0 <= one.hits <= one.n:
        return f"{name}: hits {one.hits} of {one.n}"
    lo, hi = rate_bounds(one.hits, one.n, one.level, one.design_effect)
    told = (one.value, one.lo, one.hi)
    made = (one.hits / one.n, lo, hi)
    if any(a is None or abs(a - b) > TOLERANCE for a, b in zip(told, made, strict=True)):
        return f"{name}: says {_show(told)}, its counts give {_show(made)}"
    return ""


def _is_share(one: Measurement, row: Indicator) -> bool:
    return row.kind == "rate" or (row.kind == "enumerated" and one.source == "imported")


def _miscounted(one: Measurement, row: Indicator) -> str:
    """An imported measurement says no more than the results it was made from."""
    name = f"imported {one.indicator} on {one.segment}"
    if one.origin is None:
        return f"{name}: no word on where it came from"
    counts = one.origin.counts
    if min(counts.passed, counts.failed, counts.errored, counts.skipped) < 0 or counts.total != one.n:
        return f"{name}: n={one.n}, its results are {counts.total}"
    if one.hits != (counts.passed if row.good == "up" else one.n - counts.passed):
        return f"{name}: hits={one.hits}, passed are {counts.passed} of {one.n}"
    if row.kind == "count" and one.value not in (None, one.hits):
        return f"{name}: says {one.value}, its results give {one.hits}"
    return ""


def _show(numbers: tuple[float | None, ...]) -> str:
    return " ".join("none" if number is None else f"{number:.6f}" for number in numbers)


def case_mismatches(results: Iterable[CaseResult]) -> tuple[str, ...]:
    """Return cases whose pass does not follow from their own bounds and target."""
    return tuple(
        f"case {one.case}: passes, yet {one.lo} to {one.hi} against {one.target}" for one in results if _lies(one)
    )


def _lies(one: CaseResult) -> bool:
    if one.status != "pass":
        return False
    op, _, target = one.target.partition(" ")
    limit = float(target)
    if op == "==":
        return one.value != limit
    if one.lo is None or one.hi is None:
        return True
    return one.lo < limit if op == ">=" else one.hi > limit
