"""Cells of many rows read at once, by the rules of `rows`.

In: rows as requests bring them. Out: a matrix of doubles, NaN where a cell is no number, and columns of words, None
where one is empty: what `as_number` and `as_category` say of each cell, without asking them where a column is plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.rows import LARGEST, Row, Value, as_category, as_number

Floats = NDArray[np.float64]
Column = Sequence[Value]

_NONE = type(None)
_NUMBERS = frozenset({float, int, bool, _NONE})
_WORDS = frozenset({str, _NONE})


def cells_of(rows: Sequence[Row], names: Sequence[str]) -> list[tuple[Value, ...]]:
    """Return the cells of each row in the order of `names`, None where a row has none."""
    if len(names) > 1 and set(map(type, rows)) == {dict}:
        try:
            return list(map(itemgetter(*names), rows))
        except KeyError:
            pass  # some row lacks a cell
    return [tuple([row.get(name) for name in names]) for row in rows]


def columns_of(rows: Sequence[Row], names: Sequence[str]) -> list[tuple[Value, ...]]:
    """Return the same by name."""
    return list(zip(*cells_of(rows, names), strict=True)) if rows else [() for _ in names]


def numbers_of(rows: Sequence[Row], names: Sequence[str]) -> Floats:
    """Return float64[names, rows]."""
    cells = list(chain.from_iterable(cells_of(rows, names)))
    return np.ascontiguousarray(as_numbers(cells).reshape(len(rows), len(names)).T)


def as_numbers(cells: Column) -> Floats:
    """Return float64[cells]: what `as_number` says of each, NaN for None."""
    if _NUMBERS.issuperset(map(type, cells)):
        try:
            read = np.array(cells, dtype=np.float64)
        except OverflowError:
            return _one_by_one(cells)
        for at in np.flatnonzero(np.abs(read) >= LARGEST).tolist():
            one = as_number(cells[at])
            read[at] = np.nan if one is None else one
        return read
    return _one_by_one(cells)


def as_words(column: Column) -> Sequence[str | None]:
    """Return what `as_category` says of each cell."""
    if _WORDS.issuperset(map(type, column)):
        return column if "" not in column else [word or None for word in column]  # type: ignore[return-value, misc]
    return [as_category(cell) for cell in column]


def _one_by_one(cells: Column) -> Floats:
    read = (as_number(cell) for cell in cells)
    return np.array([np.nan if one is None else one for one in read], dtype=np.float64)
