"""Rows that should be noticed: an ordinary row with one thing gone wrong, of a known kind.

In: a row, the declared features, a generator. Out: a changed copy, or None where the row has no field that this kind
can go wrong in. A probe alters one eligible field, so recall is never flattered by several faults at once:

`unit` a nonzero number with a declared unit, sent in another one · `sentinel` a number replaced by a missing-value code
· `null` a field left empty, where training never had it empty · `unseen` a category nobody knows, or a text of words
nobody knows · `swap` two numbers exchanged · `shuffle` every field from another ordinary row (all marginals kept, all
dependence gone).

Two more kinds are rows as they were, and nothing is made of them: `hidden_cohort`, people or things kept out of
training, and `incident`, the rows of promoted incidents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

import numpy as np

from shipworthy.errors import UsageError
from shipworthy.facts.texts import TEXT, as_text
from shipworthy.profile.rows import CATEGORY, DeclaredFeature, Row, Value, as_category, as_number, is_missing
from shipworthy.profile.shapes import Profile

PLAIN = ("unit", "sentinel", "null", "unseen")
STRUCTURAL = ("swap", "shuffle")
KINDS = (*PLAIN, *STRUCTURAL)
COHORTS = ("hidden_cohort", "incident")

UNIT_FACTORS = (12.0, 100.0, 1000.0)  # years in months, currency in cents, thousands in units
SENTINELS = (-9, -99, -999, 9999)
UNSEEN = "never-seen-before"

Changed = dict[str, Value]
T = TypeVar("T")


class ProbedFeature(DeclaredFeature, Protocol):
    """A declared feature, with the unit a sender could mistake."""

    @property
    def unit(self) -> str | None: ...


def probe(
    kind: str,
    row: Row,
    features: Sequence[ProbedFeature],
    rng: np.random.Generator,
    nullable: Collection[str] = (),
    donors: Sequence[Row] = (),
) -> Changed | None:
    """Return the row with one fault of `kind`, None if it has no eligible field.

    `nullable` are features that were empty in training too: leaving them empty is no fault. `donors` are ordinary rows
    for `shuffle`. Raises UsageError on an unknown kind.
    """
    maker = _MAKERS.get(kind)
    if maker is None:
        raise UsageError(f"unknown kind of probe {kind!r}", "probes", f"use one of {', '.join(KINDS)}")
    if kind == "null":
        features = [one for one in features if one.name not in nullable]
    return maker(row, features, rng, donors)


def nullable_features(profile: Profile) -> frozenset[str]:
    """Return the features that were empty in training too: leaving them empty is no fault to notice."""
    numbers = {one.name for one in profile.numbers if one.missing is not None}
    texts = {one.name for one in profile.texts if one.missing}
    return frozenset(numbers | texts | {one.name for one in profile.categories if one.missing is not None})


def not_accepted(rows: Sequence[Row], features: Sequence[DeclaredFeature]) -> list[Row]:
    """Return the rows without a category that the contract has come to accept: those are no fault any more."""
    accepted = {one.name: frozenset(one.accepted) for one in features if one.accepted}
    return [row for row in rows if not any(as_category(row.get(name)) in known for name, known in accepted.items())]


def _pick(options: Sequence[T], rng: np.random.Generator) -> T:
    return options[int(rng.integers(len(options)))]


def _numbers(row: Row, features: Sequence[ProbedFeature]) -> list[tuple[ProbedFeature, float]]:
    """The features that hold a number in this row; 0/1 flags are not numbers that a sender could mistake."""
    return [
        (one, number)
        for one in features
        if one.type in ("int", "float") and (number := as_number(row.get(one.name))) is not None
    ]


def _whole(feature: ProbedFeature, number: float) -> Value:
    return int(number) if feature.type == "int" and number.is_integer() else number


def _unit(
    row: Row, features: Sequence[ProbedFeature], rng: np.random.Generator, donors: Sequence[Row]
) -> Changed | None:
    eligible = [(one, number) for one, number in _numbers(row, features) if one.unit and number != 0.0]
    if not eligible:
        return None
    feature, number = _pick(eligible, rng)
    return {**row, feature.name: _whole(feature, number * _pick(UNIT_FACTORS, rng))}


def _sentinel(
    row: Row, features: Sequence[ProbedFeature], rng: np.random.Generator, donors: Sequence[Row]
) -> Changed | None:
    eligible = _numbers(row, features)
    if not eligible:
        return None
    feature, number = _pick(eligible, rng)
    return {**row, feature.name: _pick([code for code in SENTINELS if code != number], rng)}


def _null(
    row: Row, features: Sequence[ProbedFeature], rng: np.random.Generator, donors: Sequence[Row]
) -> Changed | None:
    eligible = [one for one in features if not is_missing(row.get(one.name))]
    return {**row, _pick(eligible, rng).name: None} if eligible else None


def _unseen(
    row: Row, features: Sequence[ProbedFeature], rng: np.random.Generator, donors: Sequence[Row]
) -> Changed | None:
    eligible = [one for one in features if one.type in (CATEGORY, TEXT) and not is_missing(row.get(one.name))]
    if not eligible:
        return None
    feature = _pick(eligible, rng)
    text = (as_text(row.get(feature.name)) or "") if feature.type == TEXT else ""
    strange = re.sub(r"\w+", lambda word: _nobodys_word(len(word[0]), rng), text)
    if strange != text:
        return {**row, feature.name: strange}
    return {**row, feature.name: f"{UNSEEN}-{int(rng.integers(10**6))}"}


def _nobodys_word(letters: int, rng: np.random.Generator) -> str:
    return "".join("bcdfghjklmnpqrstvwxz"[int(at)] for at in rng.integers(20, size=letters))


def _swap(
    row: Row, features: Sequence[ProbedFeature], rng: np.random.Generator, donors: Sequence[Row]
) -> Changed | None:
    eligible = _numbers(row, features)
    pairs = [(a, b) for i, a in enumerate(eligible) for b in eligible[i + 1 :] if a[1] != b[1]]
    if not pairs:
        return None
    (first, one), (second, other) = _pick(pairs, rng)
    return {**row, first.name: _whole(first, other), second.name: _whole(second, one)}


def _shuffle(
    row: Row, features: Sequence[ProbedFeature], rng: np.random.Generator, donors: Sequence[Row]
) -> Changed | None:
    if len(donors) < 2 or len(features) < 2:
        return None
    return {**row, **{one.name: _pick(donors, rng).get(one.name) for one in features}}


_Maker = Callable[
    [Row, Sequence[ProbedFeature], np.random.Generator, Sequence[Row]],
    Changed | None,
]
_MAKERS: dict[str, _Maker] = {
    "unit": _unit,
    "sentinel": _sentinel,
    "null": _null,
    "unseen": _unseen,
    "swap": _swap,
    "shuffle": _shuffle,
}
