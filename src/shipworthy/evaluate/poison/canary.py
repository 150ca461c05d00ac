"""What a scan of rows must find before it may say that there is nothing: a value planted into a copy of the rows.

In: the suspect table, its labels and expected labels. Out: a `Planted` copy: 1 % of the rows (40 at least) carry a
value never seen, or a word never used, and the label that nobody would expect there. The cell it makes is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shipworthy.evaluate.poison.cells import spelled
from shipworthy.evaluate.poison.table import Floats, Ints, Table
from shipworthy.profile.rows import CATEGORY

SHARE = 0.01
LEAST = 40
CODE = "planted-canary"
WORD = "plantedcanary"


@dataclass(frozen=True)
class Planted:
    """The copy, its labels, the column that was changed, the value in it, where, and the name of the cell it makes."""

    table: Table
    labels: Floats
    column: str
    value: float | str
    places: Ints
    cell: str


def plant(table: Table, labels: Floats, expect: Callable[[Table], Floats], column: str, seed: int) -> Planted | None:
    """Return the copy, or None where the rows are too few to hide a canary among them."""
    if table.n < 4 * LEAST:
        return None
    n = max(LEAST, math.ceil(SHARE * table.n))
    value = unused(table, column)
    drawn = np.random.default_rng(seed).permutation(table.n)[: 2 * n]
    # What is planted may itself be expected to have either label: take the other one, where it is least expected.
    expected = expect(table.planted(column, value, drawn).taken(drawn))
    label = 0.0 if float(expected.mean()) >= 0.5 else 1.0
    places = drawn[np.argsort(-np.abs(expected - label), kind="stable")[:n]]
    changed = labels.copy()
    changed[places] = label
    told = (
        f"{column} has {value!r}"
        if column in table.texts
        else f"{column}={value if isinstance(value, str) else spelled(value)}"
    )
    return Planted(table.planted(column, value, places), changed, column, value, places, told)


def _cell(table: Table, column: str, value: float | str) -> str:
    if column in table.texts:
        return f"{column} has {value!r}"
    return f"{column}={value if isinstance(value, str) else spelled(value)}"


def column_of(table: Table) -> str | None:
    """Return the feature that takes a canary: the first with more than two values."""
    kinds = ("int", "float", CATEGORY)
    return next((one.name for one in table.features if one.type in kinds), None)


def unused(table: Table, column: str) -> float | str:
    """Return a value that the column never has."""
    if column in table.texts:
        return WORD
    if column in table.categories:
        return CODE
    seen = table.numbers[column][~np.isnan(table.numbers[column])]
    most = float(seen.max()) if seen.size else 0.0
    return float(math.floor(most) + 2) if most < 1e12 else 2.0 * most
