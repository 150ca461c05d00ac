"""Distrust the evidence: bounds of rates are made again from hits and n, and a mismatch is refused.

In: measurements. Out: one line per measurement whose bounds do not follow from its own counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from shipworthy.facts import Case, CaseResult, Comparison, Measurement, Oracle
from shipworthy.indicators import INDICATORS, Indicator
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
    if one.source == "imported" and (wrong := _miscounted(one, row)):
        return wrong
    name = f"{one.indicator}{f' ({one.part})' if one.part else ''} on {one.segment}"
    if one.value is None or one.n == 0:
        return ""
    # A comparison of bytes leaves no doubt.
    certain = row.kind in ("count", "enumerated") and one.level == 1.0 and one.source != "imported"
    if one.n < 0 or not (certain or _sane(one.level, one.design_effect)):
        return f"{name}: n={one.n}, level {one.level:g} and design effect {one.design_effect:g}"
    if not _is_share(one, row):
        return "" if _possible(one, row.kind) else f"{name}: {_show((one.value, one.lo, one.hi))} cannot be"
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


def _possible(one: Measurement, kind: str) -> bool:
    """Whether a number that the gate cannot make again is at least one of its kind."""
    value, lo, hi = one.value, one.lo, one.hi
    if value is None or lo is None or hi is None or not lo <= hi:
        return False
    if kind == "count":
        whole = value == int(value) if math.isfinite(value) else False
        return lo == value == hi and value >= 0.0 and whole and one.hits in (None, int(value))
    return kind == "quantile" or 0.0 <= min(value, lo) <= max(value, hi) <= 1.0


def _compared(one: Comparison, n: int, name: str) -> str:
    """Why the comparison of a rate does not follow from its discordant counts; empty when it does."""
    worse, better = one.worse, one.better
    if worse is None or better is None or min(worse, better) < 0 or worse + better > one.n or one.n > n:
        return f"{name} vs baseline: {worse} worse and {better} better of {one.n}"
    if not _sane(one.level, one.design_effect):
        return f"{name} vs baseline: level {one.level} and design effect {one.design_effect}"
    bounds = paired_difference(worse, better, one.n, one.level, one.design_effect)
    made = (*bounds, mcnemar_exact(worse, better, one.design_effect))
    told = (one.delta, one.lo, one.hi, one.p_worse)
    if any(not abs(a - b) <= TOLERANCE for a, b in zip(told, made, strict=True)):
        return f"{name} vs baseline: says {_show(told)}, its counts give {_show(made)}"
    return ""


def _sane(level: float, design_effect: float) -> bool:
    return 0.0 < level < 1.0 and 1.0 <= design_effect < math.inf


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


def case_mismatches(results: Iterable[CaseResult], cases: Iterable[Case]) -> tuple[str, ...]:
    """Return results that are not about the pack's own oracle, or whose pass does not follow from their numbers."""
    known = {case.id: case for case in cases}
    told = [(one, _lie(one, known[one.case])) for one in results if one.case in known]
    return tuple(f"case {one.case}: {why}" for one, why in told if why)


def _lie(one: CaseResult, case: Case) -> str:
    oracle = case.oracle
    if one.target != f"{oracle.op} {oracle.target!r}":
        return f"judged against {one.target!r}, the pack says {oracle.op} {oracle.target!r}"
    if one.status != "pass":
        return ""
    if one.value is None or one.lo is None or one.hi is None:
        return "passes without numbers"
    bounds = f"passes with {one.value} [{one.lo}, {one.hi}]"
    if one.hits is not None:
        if not 0 <= one.hits <= one.n or one.n == 0:
            return f"passes with {one.hits} of {one.n}"
        made = (one.hits / one.n, *rate_bounds(one.hits, one.n, oracle.level))
        if any(not abs(a - b) <= TOLERANCE for a, b in zip((one.value, one.lo, one.hi), made, strict=True)):
            return f"{bounds}, its counts give {_show(made)}"
    elif oracle.metric is None:
        return "a rate passes without its counts"
    elif one.n < 0 or not one.lo <= one.hi:
        return f"{bounds} of {one.n}"
    return "" if _meets(oracle, one.value, one.lo, one.hi) else f"{bounds} against {one.target}"


def _meets(oracle: Oracle, value: float, lo: float, hi: float) -> bool:
    if oracle.op == "==":
        return value == oracle.target
    return lo >= oracle.target if oracle.op == ">=" else hi <= oracle.target
