"""Are the newest rows answered as well as the older ones.

In: rows with a `column` that orders them. Out: the case's oracle over the newest share; and, printed beside it, how the
error rate, the AUROC and the calibration error changed from the older part, with bounds. With `metric:
error_rate_rise`, `auroc_fall` or `ece_rise` that change itself is judged. Rows of one moment are never parted; a row
without a moment is left out and counted.

Bounds are for two independent samples: Newcombe's method for the rate, the same construction (Zou & Donner, Stat. Med.
27 (2008) 1693-1702: squared distances of point and limit add up) from the DeLong bounds of each AUROC, and for the ECE
the distance of the bounds of each at half the error, which is wider but holds. The design effect of the bench's unit
enters the error rate and the ECE.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import Answered, answer, wrong_by_half
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.changes import told
from shipworthy.evaluate.measure import clustering
from shipworthy.evaluate.oracle import judge_number
from shipworthy.evaluate.parameters import generator_rows, parameters
from shipworthy.evaluate.rows_case import judged
from shipworthy.facts import Case, seed_of
from shipworthy.profile.rows import Row, Value, as_number, is_missing
from shipworthy.stats.auc import auroc_bounds
from shipworthy.stats.bounds import newcombe_difference
from shipworthy.stats.calibration import bins_of, ece_bounds, ece_corrected

Change = tuple[float, float, float]  # value, lower, upper; positive is worse
Moment = tuple[bool, float, str]
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2}([T ][\d:.]+(Z|[+-]\d{2}:?\d{2})?)?)?$")


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError without a column to order by, or a share outside (0, 1)."""
    given = parameters(case)
    column = given["column"] or bench.time
    if not isinstance(column, str) or not 0.0 < given["newest"] < 1.0:
        raise ContractError("needs a column and a share in (0, 1)", f"case {case.id}", "column: year, newest: 0.2")
    rows = generator_rows(case, bench, given, seed)
    dated = [row for row in rows if not is_missing(row.get(column))]
    if any(isinstance(row.get(column), str) and not _DATE.match(str(row.get(column))) for row in dated):
        raise ContractError(f"{column} is neither a number nor a date", f"case {case.id}", "a year, or 2026-01-31")
    older, newer, cut = split(dated, column, given["newest"])
    seen = changes(bench, answer(bench, older), answer(bench, newer), case.oracle.level, seed)
    undated = f", {len(rows) - len(dated)} without {column} left out" if len(dated) < len(rows) else ""
    notes = f"; {len(newer)} newest of {len(dated)} rows, {column} from {cut}{undated}; {_words(seen)}"
    metric = case.oracle.metric
    if metric is None:
        return CaseShown(result=told(judged(case, bench, newer, seed), notes))
    value, lo, hi = seen.get(metric) or (None, None, None)
    return CaseShown(result=judge_number(case, value, lo, hi, min(len(older), len(newer)), seed, notes))


def split(rows: Sequence[Row], column: str, newest: float) -> tuple[list[Row], list[Row], Value]:
    """Return the older rows, the newer ones and the first moment of these: as many whole moments as fit into the share
    from the end, and the last one whatever its size."""
    ordered = sorted(rows, key=lambda row: _moment(row.get(column)))
    moments = [_moment(row.get(column)) for row in ordered]
    if not ordered:
        return [], [], None
    start = len(ordered) - math.floor(newest * len(ordered))
    while start < len(ordered) and start > 0 and moments[start] == moments[start - 1]:
        start += 1
    if start == len(ordered):
        start = moments.index(moments[-1])
    return ordered[:start], ordered[start:], ordered[start].get(column)


def changes(
    bench: Bench, older: Sequence[Answered], newer: Sequence[Answered], level: float, seed: int
) -> dict[str, Change]:
    """Return what changed for the worse, each with one-sided bounds; what cannot be told is not there. Where a row has
    no score nothing is: a model that was silent before and is silent now has not stayed as good."""
    before = [one for one in older if one.label is not None]
    after = [one for one in newer if one.label is not None]
    if not before or not after or any(one.score is None for one in (*before, *after)):
        return {}
    found = {
        "error_rate_rise": _error_rate(bench, before, after, level),
        "ece_rise": _ece(bench, before, after, level, seed),
    }
    if all(len({one.label for one in part}) == 2 for part in (before, after)):
        found["auroc_fall"] = _auroc(before, after, level)
    return found


def _error_rate(bench: Bench, before: Sequence[Answered], after: Sequence[Answered], level: float) -> Change:
    wrong = [[wrong_by_half(one) for one in part] for part in (after, before)]
    deff = max(clustering(bench, part, errors) for part, errors in zip((after, before), wrong, strict=True))
    (h1, n1), (h2, n2) = ((sum(errors), len(errors)) for errors in wrong)
    return h1 / n1 - h2 / n2, *newcombe_difference(h1, n1, h2, n2, level, deff)


def _auroc(before: Sequence[Answered], after: Sequence[Answered], level: float) -> Change:
    old, old_lo, old_hi = auroc_bounds(*_columns(before), level)
    new, new_lo, new_hi = auroc_bounds(*_columns(after), level)
    fall = old - new
    return fall, fall - math.hypot(old - old_lo, new_hi - new), fall + math.hypot(old_hi - old, new - new_lo)


def _ece(bench: Bench, before: Sequence[Answered], after: Sequence[Answered], level: float, seed: int) -> Change:
    half = 0.5 * (1.0 + level)
    found: list[Change] = []
    for part in (before, after):
        bins, deff = bins_of(*_columns(part)), clustering(bench, part, [wrong_by_half(one) for one in part])
        bounds = ece_bounds(bins, half, seed_of(seed, "ece"), design_effect=deff)
        found.append((ece_corrected(bins, deff), *bounds))
    (old, old_lo, old_hi), (new, new_lo, new_hi) = found
    return new - old, new_lo - old_hi, new_hi - old_lo


def _columns(part: Sequence[Answered]) -> tuple[list[Any], list[Any]]:
    return [one.score for one in part], [one.label for one in part]


def _words(seen: dict[str, Change]) -> str:
    if not seen:
        return "no change measured: labels and scores are needed on both sides"
    return ", ".join(f"{name} {value:+.3f} [{lo:+.3f}, {hi:+.3f}]" for name, (value, lo, hi) in sorted(seen.items()))


def _moment(value: Value) -> Moment:
    """Numbers in their order, then texts in theirs."""
    number = as_number(value)
    return number is None, number or 0.0, str(value)
