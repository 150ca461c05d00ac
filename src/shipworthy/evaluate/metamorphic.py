"""Cases that change rows in a way that must not matter: no answer may move.

`payload` writes text into a column that is no feature. `invariance` sets a feature, or a one-hot group, to other values
(or to those declared `equivalent` to its own). `conversion` tells the same quantity in another unit, the number and the
column with its unit together. `copies` asks every row again, among its copies in another order.

An oracle with `metric: changed` counts rows with a moved answer; a row with several changes counts once, by its worst.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.changes import Change, compared, possible
from shipworthy.evaluate.parameters import feature_of, generator_rows, number_of, parameters
from shipworthy.facts import Case
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category, as_number

Cells = Mapping[str, Value]


def payload(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with each payload in `field`; the payloads take turns over the rows."""
    given = parameters(case)
    if bench.feature(given["field"]) is not None:
        raise ContractError(f"{given['field']!r} is a feature", f"case {case.id}", "a payload goes where no feature is")
    texts = [str(text) for text in given["payloads"]]
    if not texts:
        raise ContractError("no payloads", f"case {case.id}", "leave `payloads:` out for the default ones")
    rows = generator_rows(case, bench, given, seed)
    if rows and not any(given["field"] in row for row in rows):
        raise ContractError(f"no row has a column {given['field']!r}", f"case {case.id}", "name one of the data set")
    changes = [Change(at, row, _injected(row, given["field"], texts[at % len(texts)])) for at, row in enumerate(rows)]
    return CaseShown(result=compared(case, bench, changes, seed))


def invariance(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with the feature or one-hot group set to each value that it does not have, where a relation lets it."""
    given = parameters(case)
    rows = generator_rows(case, bench, given, seed)
    members = [one for one in bench.features if one.group is not None and one.group == given["feature"]]
    others = [_others_of_group(case, members, row, given) for row in rows] if members else []
    if not members:
        feature = feature_of(case, bench, given["feature"])
        others = [_others(case, feature, row, given) for row in rows]
    made = [Change(at, row, {**row, **cells}) for at, row in enumerate(rows) for cells in others[at]]
    changes, notes = possible(bench, made)
    return CaseShown(result=compared(case, bench, changes, seed, given["tolerance"], notes))


def conversion(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row told in the unit `from`, told in the unit `to`: number * factor + offset."""
    given = parameters(case)
    feature = feature_of(case, bench, given["feature"])
    unit = feature_of(case, bench, given["unit"])
    factor, offset = number_of(case, given, "factor"), number_of(case, given, "offset")
    if feature.type in (CATEGORY, TEXT) or unit.type != CATEGORY or factor == 0.0 or _same(given["from"], given["to"]):
        raise ContractError(
            "needs a number, a category with its unit, a factor and two units", f"case {case.id}", "from: kg, to: lb"
        )
    changes = [
        Change(at, row, {**row, feature.name: number * factor + offset, unit.name: str(given["to"])})
        for at, row in enumerate(generator_rows(case, bench, given, seed))
        if _same(row.get(unit.name), given["from"]) and (number := as_number(row.get(feature.name))) is not None
    ]
    return CaseShown(result=compared(case, bench, changes, seed, given["tolerance"]))


def copies(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row as often again as `copies` says, all copies in one shuffled batch."""
    given = parameters(case)
    if given["copies"] < 1:
        raise ContractError("copies: needs 1 or more", f"case {case.id}", "such as 2")
    rows = generator_rows(case, bench, given, seed)
    places = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(rows)), given["copies"]))
    changes = [Change(at, rows[at], rows[at]) for at in places.tolist()]
    return CaseShown(result=compared(case, bench, changes, seed, given["tolerance"]))


def _others(case: Case, feature: Feature, row: Row, given: Mapping[str, Any]) -> list[Cells]:
    now = row.get(feature.name)
    return [{feature.name: value} for value in _wanted(case, given, now)]


def _others_of_group(case: Case, members: Sequence[Feature], row: Row, given: Mapping[str, Any]) -> list[Cells]:
    """The group as one value, the name of its member that is 1; a row with none or several has no value to change."""
    names = [one.name for one in members]
    hot = [name for name in names if row.get(name) == 1]
    wanted = _wanted(case, given, hot[0] if len(hot) == 1 else None)
    unknown = [value for value in wanted if value not in names]
    if unknown:
        raise ContractError(f"{unknown[0]!r} is not in the group", f"case {case.id}", f"one of {', '.join(names)}")
    return [{name: int(name == value) for name in names} for value in wanted] if len(hot) == 1 else []


def _wanted(case: Case, given: Mapping[str, Any], now: Value) -> list[Any]:
    """The other values that must not matter: those of `values`, or the mates of this one in `equivalent`."""
    sets = [given["values"]] if given["values"] else list(given["equivalent"])
    if not sets or not all(isinstance(one, list | tuple) and len(one) > bool(given["equivalent"]) for one in sets):
        raise ContractError("needs a list of values, or lists of equivalent ones", f"case {case.id}", "such as [0, 1]")
    if given["equivalent"]:
        sets = [one for one in sets if any(_same(now, value) for value in one)]
    return [value for one in sets for value in one if not _same(now, value)]


def _injected(row: Row, field: str, text: str) -> Row:
    before = row.get(field)
    return {**row, field: text if before is None else f"{before} {text}"}


def _same(a: Value, b: Value) -> bool:
    return a == b or as_category(a) == as_category(b)
