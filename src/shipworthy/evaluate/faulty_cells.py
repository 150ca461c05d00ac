"""Cases in which a sender gets a cell wrong: empty, in another unit, an old code, a code nobody knows.

`missing_columns` empties features. `unit_error` multiplies numbers by the factors of a mistaken unit. `stale_category`
replaces categories by their old codes, or all by the most common one. `hide_feature` replaces a category by a code that
nobody knows and a number by an empty cell. Each feature (each factor) in turn is a part of its own, and the worst part
decides; a feature that the case names itself and no row can be changed in leaves the case undecided.

The oracle judges the answers, or the detector (`ood_flag`), or what moved (`changed`, `fell`, `score_before`). These
are mistakes, so relations and ranges may break.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.changes import Change, judged_parts
from shipworthy.evaluate.parameters import feature_of, features_of, generator_rows, parameters
from shipworthy.facts import Case
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, LARGEST, Row, Value, as_category, as_number, is_missing

HIDDEN = "never-seen-before"
FACTORS = (10.0, 12.0, 100.0, 1000.0)  # a slipped point, months or inches, cents or percent, thousands; both ways
UNIT_FACTORS = {
    "cm": 1 / 2.54, "centimetre": 1 / 2.54, "in": 2.54, "inch": 2.54, "m": 1 / 0.3048, "metre": 1 / 0.3048,
    "ft": 0.3048, "foot": 0.3048, "km": 1 / 1.609344, "km/h": 1 / 1.609344, "mile": 1.609344, "mph": 1.609344,
    "kg": 1 / 0.45359237, "lb": 0.45359237,
}  # fmt: skip
"""Beside those, for a feature whose declared unit is one of these (international yard and pound, 1959)."""


def missing_columns(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with one feature empty, or all of them."""
    given = parameters(case)
    features = _named_or(case, bench, given["features"], bench.features)
    rows = generator_rows(case, bench, given, seed)
    if given["together"]:
        whole = [
            Change(at, row, {**row, **{one.name: None for one in features}})
            for at, row in enumerate(rows)
            if not all(is_missing(row.get(one.name)) for one in features)
        ]
        return CaseShown(result=judged_parts(case, bench, {f"{len(features)} features empty": whole}, seed))
    parts = {f"{one.name} empty": _changed(rows, one, lambda value: None) for one in features}
    return _shown(case, bench, parts, seed, bool(given["features"]))


def unit_error(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with one number multiplied by one factor; zeros stay as they are and are left out."""
    given = parameters(case)
    declared = [one for one in bench.features if one.type not in (CATEGORY, TEXT) and one.unit]
    features = _named_or(case, bench, given["features"], declared)
    factors = [_factor(case, factor) for factor in given["factors"]]
    if not features or any(one.type in (CATEGORY, TEXT) for one in features):
        raise ContractError(
            "needs numbers", f"case {case.id}", "declare a `unit:` in the manifest, or name `features:`"
        )
    rows = generator_rows(case, bench, given, seed)
    parts = {
        f"{one.name} x {factor:.4g}": _changed(rows, one, _times(factor))
        for one in features
        for factor in factors or _factors(one)
    }
    return _shown(case, bench, parts, seed, bool(given["features"]))


def stale_category(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row whose category has another old code."""
    given = parameters(case)
    feature = _category(case, bench, given["feature"])
    old = {str(new): str(code) for new, code in given["map"].items()}
    if not old:
        common = _most_common(bench, feature)
        changes = _changed(generator_rows(case, bench, given, seed), feature, lambda value: common)
        return _shown(case, bench, {f"{feature.name} all {common}": changes}, seed, True)
    rows = generator_rows(case, bench, given, seed)
    changes = _changed(rows, feature, lambda value: old.get(as_category(value) or "", value))
    return _shown(case, bench, {f"{feature.name} by {len(old)} old codes": changes}, seed, True)


def hide_feature(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Every row with the category replaced by an unknown code (a number by an empty cell), each feature in turn."""
    given = parameters(case)
    features = features_of(case, bench, given["feature"])
    rows = generator_rows(case, bench, given, seed)
    parts = {f"{one.name} hidden": _hidden(rows, one) for one in features}
    return _shown(case, bench, parts, seed, True)


def _shown(case: Case, bench: Bench, parts: Mapping[str, Sequence[Change]], seed: int, named: bool) -> CaseShown:
    """Judge the parts. Those that no row can be changed in are left out, and told, unless the case names them."""
    empty = [] if named else [name for name, changes in parts.items() if not changes]
    kept = {name: changes for name, changes in parts.items() if name not in empty}
    notes = f"; no row can be changed in {', '.join(empty)}" if empty else ""
    return CaseShown(result=judged_parts(case, bench, kept, seed, notes))


def _changed(rows: Sequence[Row], feature: Feature, become: Callable[[Value], Value]) -> list[Change]:
    """The rows whose cell becomes another one; an empty cell stays empty."""
    name = feature.name
    return [
        Change(at, row, {**row, name: new})
        for at, row in enumerate(rows)
        if not is_missing(row.get(name)) and (new := become(row.get(name))) != row.get(name)
    ]


def _hidden(rows: Sequence[Row], feature: Feature) -> list[Change]:
    """Every row, those with an empty cell too: an unknown code where nothing was told is as bad."""
    hidden: Value = HIDDEN if feature.type == CATEGORY else None
    return [Change(at, row, {**row, feature.name: hidden}) for at, row in enumerate(rows)]


def _times(factor: float) -> Callable[[Value], Value]:
    def times(value: Value) -> Value:
        number = as_number(value)
        if number is None or abs(number * factor) >= LARGEST:
            return value
        made = number * factor
        return int(made) if isinstance(value, int) and made.is_integer() else made

    return times


def _factors(feature: Feature) -> tuple[float, ...]:
    own = UNIT_FACTORS.get((feature.unit or "").strip().lower())
    return (*FACTORS, *(1 / factor for factor in FACTORS), *(() if own is None else (own,)))


def _factor(case: Case, factor: Any) -> float:  # noqa: ANN401
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < abs(factor) < LARGEST or factor == 1:
        raise ContractError(f"factors: {factor!r} is no factor", f"case {case.id}", "such as 12 or 0.01")
    return float(factor)


def _named_or(case: Case, bench: Bench, names: Sequence[str], default: Sequence[Feature]) -> list[Feature]:
    return features_of(case, bench, names) if names else list(default)


def _category(case: Case, bench: Bench, name: Any) -> Feature:  # noqa: ANN401
    feature = feature_of(case, bench, name)
    if feature.type != CATEGORY:
        raise ContractError(f"{feature.name!r} is no category", f"case {case.id}", "name a category")
    return feature


def _most_common(bench: Bench, feature: Feature) -> str:
    """The commonest category of the training rows, of the held-out ones where none are loaded; of several the first."""
    rows = bench.rows(bench.train if bench.train in bench.datasets else bench.held_out)
    counts = Counter(text for row in rows if (text := as_category(row.get(feature.name))) is not None)
    if not counts:
        raise ContractError(f"{feature.name!r} is empty in every row", "stale_category", "write `map: {new: old}`")
    return min(counts, key=lambda text: (-counts[text], text))
