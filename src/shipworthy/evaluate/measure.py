"""Measurements, made one way: counts to a rate with exact bounds, or an honest nothing.

In: hits, n, an ask. Out: a `Measurement`. Rates carry their counts and design effect, so that the gate can make the
bounds again. What could not be measured has no value and says why; it can never be judged green.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shipworthy.evaluate.answered import Answered
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.facts import Measurement
from shipworthy.profile.rows import is_missing
from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.design_effect import design_effect

EXACT = "Clopper-Pearson"


def rate(ask: Ask, hits: int, n: int, method: str = EXACT, deff: float = 1.0, part: str | None = None) -> Measurement:
    """Return a rate with exact one-sided bounds; without trials there is no value."""
    if n == 0:
        return nothing(ask, method, part)
    lo, hi = rate_bounds(hits, n, ask.level, deff)
    told = method if deff == 1.0 else f"{method}, clusters: n / {deff:.2f}"
    return Measurement(
        indicator=ask.indicator,
        segment=ask.segment,
        quantile=ask.quantile,
        n=n,
        hits=hits,
        value=hits / n,
        lo=lo,
        hi=hi,
        level=ask.level,
        method=told,
        part=part,
        design_effect=deff,
    )


def number(
    ask: Ask,
    value: float,
    lo: float,
    hi: float,
    n: int,
    method: str,
    part: str | None = None,
) -> Measurement:
    """Return a measurement that is no rate. What is not finite becomes None: never green."""
    return Measurement(
        indicator=ask.indicator,
        segment=ask.segment,
        quantile=ask.quantile,
        n=n,
        value=_finite(value),
        lo=_finite(lo),
        hi=_finite(hi),
        level=ask.level,
        method=method,
        part=part,
    )


def count(ask: Ask, hits: int, n: int, method: str, part: str | None = None) -> Measurement:
    """Return a count over `n` chances: a point, judged as it is. No chances, no count."""
    value = float(hits) if n else math.nan
    return number(ask, value, value, value, n, method, part)


def nothing(ask: Ask, why: str, part: str | None = None, n: int = 0) -> Measurement:
    """Return a measurement without a value: asked for, not obtained, and why."""
    return Measurement(
        indicator=ask.indicator,
        segment=ask.segment,
        quantile=ask.quantile,
        n=n,
        value=None,
        lo=None,
        hi=None,
        level=ask.level,
        method=why,
        part=part,
    )


def clustering(bench: Bench, answered: Sequence[Answered], errors: Sequence[bool]) -> float:
    """Return the design effect of `errors` by the manifest's unit, 1 where rows do not cluster.

    Raises ValueError on unequal lengths.
    """
    units = units_of(bench, answered)
    if units is None or not units or len(set(units)) == len(units):
        return 1.0
    return design_effect([int(error) for error in errors], units)


def units_of(bench: Bench, answered: Sequence[Answered]) -> list[str] | None:
    """Return the unit of each row, None where the manifest names none. A row without one is a unit of its own."""
    if bench.unit is None:
        return None
    cells = [one.row.get(bench.unit) for one in answered]
    return [f"#{index}" if is_missing(cell) else f"={cell}" for index, cell in enumerate(cells)]


def rate_of(
    bench: Bench, ask: Ask, answered: Sequence[Answered], errors: Sequence[bool], part: str | None = None
) -> Measurement:
    """Return the rate of `errors` over the answers, with the design effect of their units."""
    return rate(ask, sum(errors), len(errors), EXACT, clustering(bench, answered, errors), part)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
