"""Cases that move features and say which way the score must go.

`monotone` raises one feature, or several at once, by `step` up to `steps` times, as far as the declared range goes: no
step may take the score down (`direction: falls`: up). `direction` moves features `by` amounts and sets others: the
score must rise (or fall) by `least` at least; with `least: 0` it must only not go the other way. `fell_short` is true
of a row that did not. A score near 1 cannot rise: leave such rows out with `among: "score_before < 0.9"`.

Rows that would leave a declared range or break a relation are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import Answered
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.changes import Change, compared, possible
from shipworthy.evaluate.parameters import feature_of, features_of, generator_rows, number_of, parameters
from shipworthy.facts import Case
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_number

DIRECTIONS = ("rises", "falls")


def monotone(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row and its ladder; the row counts as fallen if any step of it falls."""
    given = parameters(case)
    features = features_of(case, bench, given["feature"])
    _check(case, given, features)
    if given["step"] <= 0 or given["steps"] < 1:
        raise ContractError("needs a step > 0 and one step or more", f"case {case.id}", "step: 1, steps: 3")
    made = [
        change
        for at, row in enumerate(generator_rows(case, bench, given, seed))
        for change in _ladder(at, row, features, given)
    ]
    changes, notes = possible(bench, made)
    return CaseShown(result=compared(case, bench, changes, seed, given["tolerance"], notes))


def direction(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row moved by `by` and `set`, where it has the cells and may be so."""
    given = parameters(case)
    by = {feature_of(case, bench, name): number_of(case, {"by": amount}, "by") for name, amount in given["by"].items()}
    fixed = {feature_of(case, bench, name): value for name, value in given["set"].items()}
    _check(case, given, list(by))
    if not (by or fixed) or given["least"] < 0:
        raise ContractError("needs `by` or `set`, and least >= 0", f"case {case.id}", "by: {speed: 1}")
    rows = generator_rows(case, bench, given, seed)
    moved = [Change(at, row, after) for at, row in enumerate(rows) if (after := _moved(row, by, fixed)) is not None]
    changes, notes = possible(bench, moved)
    left = len(rows) - len(moved)
    notes += f"; {left} of {len(rows)} rows cannot move so" if left else ""
    sign = 1.0 if given["direction"] == "rises" else -1.0

    def short(before: Answered, after: Answered) -> Mapping[str, Any]:
        if before.score is None or after.score is None:
            return {"fell_short": None}
        return {"fell_short": sign * (after.score - before.score) < given["least"] - given["tolerance"]}

    return CaseShown(result=compared(case, bench, changes, seed, given["tolerance"], notes, short))


def _check(case: Case, given: Mapping[str, Any], features: Sequence[Feature]) -> None:
    if any(one.type in (CATEGORY, TEXT) for one in features) or given["direction"] not in DIRECTIONS:
        raise ContractError("needs numbers and a direction", f"case {case.id}", "direction: rises or falls")


def _ladder(at: int, row: Row, features: Sequence[Feature], given: Mapping[str, Any]) -> list[Change]:
    """One change a step, as far as every feature stays in its range; where the score must fall, the ladder goes down.
    Below and above are told so that a step which goes the wrong way has `fell`."""
    made: list[Change] = []
    below = row
    for _ in range(given["steps"]):
        above = _moved(below, dict.fromkeys(features, float(given["step"])), {})
        if above is None:
            break
        made.append(Change(at, below, above) if given["direction"] == "rises" else Change(at, above, below))
        below = above
    return made


def _moved(row: Row, by: Mapping[Feature, float], fixed: Mapping[Feature, Value]) -> Row | None:
    """The row after the move, None where a cell is empty, a range ends, or nothing changes."""
    cells: dict[str, Value] = {one.name: value for one, value in fixed.items()}
    for one, amount in by.items():
        number = as_number(row.get(one.name))
        if number is None or not _within(one, number + amount):
            return None
        cells[one.name] = _whole(one, number + amount)
    return None if all(row.get(name) == value for name, value in cells.items()) else {**row, **cells}


def _within(feature: Feature, number: float) -> bool:
    low, high = (0.0, 1.0) if feature.type == "bool" else (feature.min, feature.max)
    return (low is None or number >= low) and (high is None or number <= high)


def _whole(feature: Feature, number: float) -> Value:
    return int(number) if feature.type in ("int", "bool") and number.is_integer() else number
