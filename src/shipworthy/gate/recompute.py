"""Distrust the evidence: bounds of rates are made again from hits and n, and a mismatch is refused.

In: measurements. Out: one line per measurement whose bounds do not follow from its own counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from shipworthy.facts import CaseResult, Comparison, Measurement
from shipworthy.indicators import INDICATORS
from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.paired import mcnemar_exact, paired_difference

TOLERANCE = 1e-9


def mismatches(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return what does not recompute. Rates without hits are a mismatch too: a bound needs its counts."""
    return tuple(told for one in measurements if (told := _mismatch(one)))


def _mismatch(one: Measurement) -> str:
    row = INDICATORS.get(one.indicator)
    if row is None:
        return f"{one.indicator}: not an indicator"
    if row.kind != "rate" or one.value is None or one.n == 0 or one.source == "imported":
        return ""
    name = f"{one.indicator}{f' ({one.part})' if one.part else ''} on {one.segment}"
    return _counted(one, name) or (_compared(one.comparison, one.n, name) if one.comparison is not None else "")


def _counted(one: Measurement, name: str) -> str:
    if one.hits is None or not 0 <= one.hits <= one.n:
        return f"{name}: hits {one.hits} of {one.n}"
    lo, hi = rate_bounds(one.hits, one.n, one.level, one.design_effect)
    told = (one.value, one.lo, one.hi)
    made = (one.hits / one.n, lo, hi)
    if any(a is None or abs(a - b) > TOLERANCE for a, b in zip(told, made, strict=True)):
        return f"{name}: says {_show(told)}, its counts give {_show(made)}"
    return ""


def _compared(one: Comparison, n: int, name: str) -> str:
    """Why the comparison of a rate does not follow from its discordant counts; empty when it does."""
    worse, better = one.worse, one.better
    if worse is None or better is None or min(worse, better) < 0 or worse + better > one.n or one.n > n:
        return f"{name} vs baseline: {worse} worse and {better} better of {one.n}"
    if not (0.0 < one.level < 1.0 and 1.0 <= one.design_effect < math.inf):
        return f"{name} vs baseline: level {one.level} and design effect {one.design_effect}"
    bounds = paired_difference(worse, better, one.n, one.level, one.design_effect)
    made = (*bounds, mcnemar_exact(worse, better, one.design_effect))
    told = (one.delta, one.lo, one.hi, one.p_worse)
    if any(not abs(a - b) <= TOLERANCE for a, b in zip(told, made, strict=True)):
        return f"{name} vs baseline: says {_show(told)}, its counts give {_show(made)}"
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
