"""Rows as columns, read once: what every scan of rows counts over.

In: rows, the declared features, further text columns. Out: a `Table`: one array of numbers (NaN = missing or no number)
or one list of texts per column. A table can be stacked on another and can have one column changed in some places, so
that planting a canary does not read every row again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.answered import label_of
from shipworthy.evaluate.bench import Bench
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category, as_number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MISSING = "missing"


@dataclass(frozen=True)
class Table:
    """`numbers` and `categories` by feature, `texts` by text column; every column has `n` cells."""

    features: tuple[Feature, ...]
    n: int
    numbers: Mapping[str, Floats]
    categories: Mapping[str, list[str]]
    texts: Mapping[str, list[str]]

    def stacked(self, other: Table) -> Table:
        """Return the rows of this table, then those of the other."""
        return replace(
            self,
            n=self.n + other.n,
            numbers={name: np.concatenate([own, other.numbers[name]]) for name, own in self.numbers.items()},
            categories={name: own + other.categories[name] for name, own in self.categories.items()},
            texts={name: own + other.texts[name] for name, own in self.texts.items()},
        )

    def taken(self, places: Ints) -> Table:
        """Return the rows at these places, in that order."""
        return replace(
            self,
            n=len(places),
            numbers={name: own[places] for name, own in self.numbers.items()},
            categories={name: [own[place] for place in places] for name, own in self.categories.items()},
            texts={name: [own[place] for place in places] for name, own in self.texts.items()},
        )

    def planted(self, name: str, value: Value, places: Ints) -> Table:
        """Return a copy with `value` in the column `name` at these places; to a text it is added."""
        return self.overwritten([(name, value, places)])

    def overwritten(self, changes: Iterable[tuple[str, Value, Ints]]) -> Table:
        """Return a copy with each (column, value, places) written over it; to a text the value is added."""
        numbers, categories, texts = dict(self.numbers), dict(self.categories), dict(self.texts)
        fresh: set[str] = set()
        for name, value, places in changes:
            if name not in fresh:
                _copy(name, numbers, categories, texts)
                fresh.add(name)
            if name in numbers:
                numbers[name][places] = _number(value)
            elif name in categories:
                code = as_category(value) or MISSING
                for place in places:
                    categories[name][place] = code
            else:
                for place in places:
                    texts[name][place] = f"{texts[name][place]} {value}"
        return replace(self, numbers=numbers, categories=categories, texts=texts)


def _copy(name: str, numbers: dict[str, Floats], categories: dict[str, list[str]], texts: dict[str, list[str]]) -> None:
    if name in numbers:
        numbers[name] = numbers[name].copy()
    elif name in categories:
        categories[name] = list(categories[name])
    else:
        texts[name] = list(texts[name])


def table_of(features: Sequence[Feature], rows: Sequence[Row], text: Sequence[str] = ()) -> Table:
    """Return the rows as columns. A feature that is a text is one only where `text` names it."""
    features = [one for one in features if one.type != TEXT]
    names = [one for one in features if one.type != CATEGORY]
    return Table(
        tuple(features),
        len(rows),
        {one.name: np.array([_number(row.get(one.name)) for row in rows], dtype=np.float64) for one in names},
        {
            one.name: [as_category(row.get(one.name)) or MISSING for row in rows]
            for one in features
            if one.type == CATEGORY
        },
        {name: [str(row.get(name) or "") for row in rows] for name in text},
    )


def labelled(bench: Bench, rows: Sequence[Row]) -> tuple[list[Row], Floats]:
    """Return the rows with a label that can be read, and their labels."""
    told = [(row, label_of(bench, row)) for row in rows]
    kept = [(row, label) for row, label in told if label is not None]
    return [row for row, _ in kept], np.array([label for _, label in kept], dtype=np.float64)


def _number(value: Value) -> float:
    number = as_number(value)
    return np.nan if number is None else number
