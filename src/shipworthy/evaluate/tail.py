"""Rows that come once a year, taken or made: the rarest ones, extremes, and stated scenarios.

In: exactly one of
`rarest: 0.01`: the hundredth of the rows that the reference profile finds least likely (by its p-value, then in order);
`extremes: [a, b]`: every row with one named number at an extreme, each feature and end in turn (a part of its own): the
lowest and highest allowed value, or the lowest and highest of the reference rows where the range is open, and the
reference's 99.9th percentile;
`combine: {a: 4, b: old}`: every row with these cells.
Out: the case's own oracle over the answers. Made rows that break a relation which the row kept could not exist: they
are left out and counted. A row that is so already is kept as it is: it is the real thing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.changes import Change, compared, judged_parts, possible
from shipworthy.evaluate.parameters import feature_of, features_of, generator_rows, parameters
from shipworthy.facts import Case
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_number

HIGH = 0.999


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError for a feature or a share that is none, or without a profile to ask."""
    given = parameters(case)
    rows = generator_rows(case, bench, given, seed)
    written = case.generator or {}
    if "extremes" in written:
        return _extremes(case, bench, given, rows, seed)
    if "combine" in written:
        return _combined(case, bench, given, rows, seed)
    return _rarest(case, bench, given["rarest"], rows, seed)


def _rarest(case: Case, bench: Bench, share: float, rows: Sequence[Row], seed: int) -> CaseShown:
    if bench.scorer is None or not 0.0 < share <= 1.0:
        raise ContractError("needs a reference profile and a share in (0, 1]", f"case {case.id}", "rarest: 0.01")
    scorer = bench.scorer
    ordered = sorted(range(len(rows)), key=lambda at: scorer.score(rows[at]).p)
    kept = sorted(ordered[: math.ceil(share * len(rows))])
    least = scorer.score(rows[ordered[len(kept) - 1]]).p if kept else 1.0
    notes = f"; the {len(kept)} rarest of {len(rows)} rows, p <= {least:.3g}"
    return CaseShown(result=compared(case, bench, [Change(at, rows[at], rows[at]) for at in kept], seed, notes=notes))


def _extremes(case: Case, bench: Bench, given: Mapping[str, Any], rows: Sequence[Row], seed: int) -> CaseShown:
    features = features_of(case, bench, given["extremes"])
    if not features or any(one.type in (CATEGORY, TEXT) for one in features):
        raise ContractError("extremes: needs numbers", f"case {case.id}", "such as [age, amount]")
    reference = bench.rows(bench.train if bench.train in bench.datasets else bench.held_out)
    parts: dict[str, Sequence[Change]] = {}
    told = ""
    for one in features:
        for value in _ends(one, reference):
            made = [Change(at, row, {**row, one.name: value}) for at, row in enumerate(rows)]
            parts[f"{one.name} = {value:g}"], left = possible(bench, made)
            told += left.replace("made", f"made with {one.name} = {value:g}")
    if not parts:
        raise ContractError("no number in the reference rows", f"case {case.id}", "declare `min:` and `max:`")
    made_rows = sum(len(changes) for changes in parts.values())
    return CaseShown(result=judged_parts(case, bench, parts, seed, f"; {made_rows} rows made{told}"))


def _combined(case: Case, bench: Bench, given: Mapping[str, Any], rows: Sequence[Row], seed: int) -> CaseShown:
    cells = {feature_of(case, bench, name).name: _cell(case, value) for name, value in given["combine"].items()}
    if not cells:
        raise ContractError("combine: names no feature", f"case {case.id}", "such as {speed: 4, belt: 0}")
    changes, left = possible(bench, [Change(at, row, {**row, **cells}) for at, row in enumerate(rows)])
    return CaseShown(result=compared(case, bench, changes, seed, notes=f"; {len(changes)} rows made{left}"))


def _ends(feature: Feature, reference: Sequence[Row]) -> list[float | int]:
    """The lowest, the 99.9th percentile and the highest, each once; declared ends before seen ones."""
    numbers = [number for row in reference if (number := as_number(row.get(feature.name))) is not None]
    low = feature.min if feature.min is not None else min(numbers, default=None)
    high = feature.max if feature.max is not None else max(numbers, default=None)
    far = float(np.quantile(numbers, HIGH, method="inverted_cdf")) if numbers else None
    found = sorted({float(value) for value in (low, far, high) if value is not None})
    return [int(value) if feature.type in ("int", "bool") and value.is_integer() else value for value in found]


def _cell(case: Case, value: Any) -> Value:  # noqa: ANN401
    if isinstance(value, bool) or not (value is None or isinstance(value, int | float | str)):
        raise ContractError(f"combine: {value!r} is no cell", f"case {case.id}", "a number or a text")
    return value
