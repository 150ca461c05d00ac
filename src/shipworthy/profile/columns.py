"""Columns as a batch scorer takes them, and each feature laid out to look at a whole column.

In: what a log, a frame or a columnar file holds. Out: per column the surprise and the standardised value of each cell,
the same to the last bit as `cells` and `views` have them for one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.cells import CLOSER, NumberCells
from shipworthy.profile.rows import LARGEST, Row, Value, as_category, is_missing
from shipworthy.profile.shapes import CategoryReference, Profile
from shipworthy.profile.views import table_of

Floats = NDArray[np.float64]
Words = Sequence[Value] | NDArray[Any]


class Coded:
    """A category column as numbers of its distinct values; -1 is an empty cell. Columnar files keep them so."""

    __slots__ = ("codes", "values")

    def __init__(self, values: Sequence[Value], codes: NDArray[np.integer[Any]]) -> None:
        self.values, self.codes = values, codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, at: slice | NDArray[np.int64]) -> Coded:
        return Coded(self.values, self.codes[at])

    def cells(self) -> list[Value]:
        """Return the values of the cells, None for an empty one."""
        return [None if code < 0 else self.values[code] for code in self.codes.tolist()]


Column = Words | Coded
Part = Coded | NDArray[Any]


class NumberColumn:
    """One number laid out for arrays; what lies inside its calm interval has no surprise (`cells.ShortCut`)."""

    def __init__(self, cells: NumberCells, calm: float) -> None:
        self.name, self.per_unit = cells.name, cells.per_unit
        self._cells = cells
        cut = cells.short_cut(calm)
        self._least, self._most = cut.least, cut.most
        self._edges, self._surprise = np.array(cut.edges), np.array(cut.surprise)

    def __call__(self, column: Floats) -> tuple[NDArray[np.int64], Floats, Floats, list[tuple[int, str]]]:
        """Return (rows that are not calm, their surprise), all rows standardised, and the overrides by row."""
        rows = np.flatnonzero(~((column >= self._least) & (column < self._most)))
        values = column[rows]
        found = self._surprise[np.searchsorted(self._edges, values, side="right")]
        with np.errstate(invalid="ignore", over="ignore"):
            standard = (column - self._cells.mean) * self.per_unit
        closer = found == CLOSER
        empty = closer & np.isnan(values)
        found[empty], standard[rows[empty]], none = self._cells.look(None)
        wrong = [(row, none) for row in rows[empty].tolist()] if none else []
        for at in np.flatnonzero(closer & ~empty).tolist():
            found[at], standard[rows[at]], told = self._cells.look(float(values[at]))
            if told:
                wrong.append((int(rows[at]), told))
        return rows, found, standard, wrong


class _Codes(dict[Value, int]):
    """Numbers of values, found out as they are asked for."""

    code: Callable[[Value], int]

    def __missing__(self, value: Value) -> int:
        self[value] = self.code(value)
        return self[value]


class CategoryColumn:
    """One category laid out for arrays: its known values numbered from 2; 0 is an empty cell, 1 an unknown value."""

    def __init__(self, reference: CategoryReference, mean: float, per_unit: float, placed: bool) -> None:
        self.name, self.placed = reference.name, placed
        self.nullable = reference.missing is not None
        table = table_of(reference, mean, per_unit)
        self._numbered = {value: at for at, value in enumerate(table, start=2)}
        rows = [(reference.missing or 0.0, 0.0), (0.0, 0.0), *table.values()]
        self.surprise, self.standard = (np.array(column) for column in zip(*rows, strict=True))

    def codes(self, column: Part) -> NDArray[np.int64]:
        """Return the number of each cell."""
        if isinstance(column, Coded):
            of_value = np.array([*(self._code(value) for value in column.values), 0], dtype=np.int64)
            return np.asarray(of_value[column.codes], dtype=np.int64)
        of = _Codes(self._numbered)
        of.code = self._code
        cells = column.tolist()
        codes = np.fromiter(map(of.__getitem__, cells), dtype=np.int64, count=len(cells))
        if (0 in of or 1 in of) and column.dtype == object:  # 1 == True, yet they are two categories
            return np.array([self._code(value) for value in cells], dtype=np.int64)
        return codes

    def _code(self, value: Value) -> int:
        if is_missing(value) or (isinstance(value, float) and math.isnan(value)):
            return 0
        return self._numbered.get(as_category(value) or "", 1)


def columns_of(profile: Profile, rows: Sequence[Row]) -> dict[str, Words]:
    """Return the columns of rows as requests give them: what is no number there is an infinity here."""
    numbers = {one.name: [_as_float(row.get(one.name)) for row in rows] for one in profile.numbers}
    others = [*(one.name for one in profile.categories), *(one.name for one in profile.texts)]
    words = {name: ["nan" if is_nan(cell) else cell for cell in (row.get(name) for row in rows)] for name in others}
    return {**{name: np.array(column, dtype=np.float64) for name, column in numbers.items()}, **words}


def _as_float(value: Value) -> float:
    if is_missing(value):
        return math.nan
    if not isinstance(value, float | int) or not -LARGEST < value < LARGEST:
        return math.inf
    return float(value)


def as_floats(column: Part | None, n: int) -> Floats:
    """Return a column of numbers; one that is not given is empty throughout."""
    return np.full(n, np.nan) if column is None else np.asarray(column, dtype=np.float64)


def part_of(column: Column, start: int, end: int) -> Part:
    """Return the rows from `start` up to before `end`."""
    part = column[start:end]
    return part if isinstance(part, Coded | np.ndarray) else np.array(part, dtype=object)


def is_nan(cell: object) -> bool:
    """True for the float that frames write for an empty cell."""
    return isinstance(cell, float) and math.isnan(cell)
