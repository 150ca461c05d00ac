"""Cases that change rows in a known way and say what must follow.

`payload` writes text into a column that is no feature: no answer may move. `hide_feature` replaces a category by a code
nobody knows and judges the answers by the case's own oracle. `invariance` sets one feature to other values: no answer
may move. `monotone` raises one feature: the score must not fall (or, `direction: falls`, not rise).

Oracles of payload, invariance and monotone may use `changed`, `fell`, `score_before` and `decision_before` beside the
names of every answered row, which then speak of the changed row. An oracle with `metric:` counts `changed` or `fell`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.contract.generators.tabular import SAME
from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import OOD_NAMES, Answered, answer
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.oracle import judge_rows
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.rows_case import judged, wanted_names
from shipworthy.facts import Case
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category, as_number

HIDDEN = "never-seen-before"
_Pair = tuple[Row, Row]


def payload(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with each payload in `field`; the payloads take turns over the rows."""
    given = parameters(case)
    if bench.feature(given["field"]) is not None:
        raise ContractError(f"{given['field']!r} is a feature", f"case {case.id}", "a payload goes where no feature is")
    texts = [str(text) for text in given["payloads"]]
    if not texts:
        raise ContractError("no payloads", f"case {case.id}", "leave `payloads:` out for the default ones")
    rows = _rows(case, bench, given, seed)
    pairs = [(row, _injected(row, given["field"], texts[at % len(texts)])) for at, row in enumerate(rows)]
    return _compared(case, bench, pairs, seed, SAME, "changed")


def hide_feature(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with the category `feature` replaced by an unknown code, by the oracle of the case."""
    given = parameters(case)
    feature = _feature(case, bench, given["feature"])
    hidden: Value = HIDDEN if feature.type == CATEGORY else None
    rows = [{**row, feature.name: hidden} for row in _rows(case, bench, given, seed)]
    return CaseShown(result=judged(case, bench, rows, seed))


def invariance(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with `feature` set to each of `values` that it does not have."""
    given = parameters(case)
    feature = _feature(case, bench, given["feature"])
    if not isinstance(given["values"], list | tuple) or not given["values"]:
        raise ContractError("values: needs a list", f"case {case.id}", "such as [0, 1]")
    pairs = [
        (row, {**row, feature.name: value})
        for row in _rows(case, bench, given, seed)
        for value in given["values"]
        if not _same(row.get(feature.name), value)
    ]
    return _compared(case, bench, pairs, seed, given["tolerance"], "changed")


def monotone(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with `feature` raised by `step`, where that stays in the declared range."""
    given = parameters(case)
    feature = _feature(case, bench, given["feature"])
    if feature.type in (CATEGORY, TEXT) or given["direction"] not in ("rises", "falls") or given["step"] <= 0:
        raise ContractError("needs a number, a step > 0 and direction rises or falls", f"case {case.id}", "see above")
    pairs: list[_Pair] = [
        (row, {**row, feature.name: raised})
        for row in _rows(case, bench, given, seed)
        if (raised := _raised(feature, row.get(feature.name), given["step"])) is not None
    ]
    if given["direction"] == "falls":
        pairs = [(after, before) for before, after in pairs]
    return _compared(case, bench, pairs, seed, given["tolerance"], "fell")


def _rows(case: Case, bench: Bench, given: Mapping[str, Any], seed: int) -> list[Row]:
    return case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)


def _feature(case: Case, bench: Bench, name: str) -> Feature:
    feature = bench.feature(name)
    if feature is None:
        raise ContractError(f"no feature {name!r}", f"case {case.id}", "name one of shipworthy.yaml")
    return feature


def _injected(row: Row, field: str, text: str) -> Row:
    before = row.get(field)
    return {**row, field: text if before is None else f"{before} {text}"}


def _raised(feature: Feature, value: Value, step: float) -> Value:
    number = as_number(value)
    if number is None:
        return None
    raised = number + step
    if feature.max is not None and raised > feature.max:
        return None
    if feature.type == "bool" and raised > 1.0:
        return None
    return int(raised) if feature.type in ("int", "bool") and raised.is_integer() else raised


def _same(a: Value, b: Value) -> bool:
    return a == b or as_category(a) == as_category(b)


def _compared(case: Case, bench: Bench, pairs: Sequence[_Pair], seed: int, tolerance: float, metric: str) -> CaseShown:
    ood = bool(wanted_names(case) & OOD_NAMES)
    before = answer(bench, [row for row, _ in pairs], ood)
    after = answer(bench, [row for _, row in pairs], ood)
    named = [_named(a, b, tolerance) for a, b in zip(before, after, strict=True)]
    return CaseShown(result=judge_rows(case, named, seed, hits=metric))


def _named(before: Answered, after: Answered, tolerance: float) -> dict[str, Any]:
    moved: bool | None = None
    fell: bool | None = None
    if before.score is not None and after.score is not None:
        step = after.score - before.score
        moved = abs(step) > tolerance or before.decision != after.decision or before.route != after.route
        fell = step < -tolerance
    return {
        **after.named(),
        "changed": moved,
        "fell": fell,
        "score_before": before.score,
        "decision_before": before.decision or None,
    }
