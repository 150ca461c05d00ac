"""Rows as columns: what a frame holds, cell by cell what a request would bring.

In: one column a name, as float64 or as numbers of distinct cells. Out: a `Table` that gives each reader its own form:
floats for scores, words for categories, one row as a request has it. A row that is read here is the row that
`Guard.decide` would get: a NaN that was sent is one, an empty cell is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.deploy.batch.ranks import Floats, Marks, Places
from shipworthy.errors import UsageError
from shipworthy.profile.columns import Coded
from shipworthy.profile.rows import LARGEST, as_number

Cell = float | int | str | bool | None
FLOAT, INT, BOOL = "float", "int", "bool"
EXACT = 1 << 53
_CAST = {FLOAT: float, INT: int, BOOL: bool}


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of one type of number. NaN is an empty cell, unless `sent` marks it as a NaN that was sent. Whole
    numbers lie below 2**53: beyond it they are `Coded`."""

    values: Floats
    kind: str = FLOAT
    sent: Marks | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | Places) -> Numbers:
        return Numbers(self.values[rows], self.kind, None if self.sent is None else self.sent[rows])


Stored = Numbers | Coded


def numbers_of(values: NDArray[Any], empty: Marks | None = None) -> Stored:
    """Return a numpy column of numbers or flags. Without `empty`, NaN is an empty cell; with it, every other NaN was
    sent. Raises UsageError for another type of column."""
    kind = {"f": FLOAT, "i": INT, "u": INT, "b": BOOL}.get(values.dtype.kind)
    if kind is None:
        raise UsageError(f"a column of {values.dtype}", "frame", "give numbers, flags or texts")
    if kind == INT and values.size and not (values.max() < EXACT and values.min() > -EXACT):
        words, codes = np.unique(values, return_inverse=True)
        at = codes.astype(np.intp)
        return _emptied(Coded(words.tolist(), at), empty)
    floats = values.astype(np.float64)
    if empty is None:
        return Numbers(floats, kind)
    sent = np.isnan(floats) & ~empty
    floats[empty] = math.nan
    return Numbers(floats, kind, sent if sent.any() else None)


def cells_of(cells: Sequence[Any]) -> Coded:
    """Return a column of any cells. 1, 1.0 and true are three cells. Raises UsageError for what is no cell."""
    kinds = set(map(type, cells))
    if not kinds <= {float, int, str, bool, type(None)}:
        odd = next(kind for kind in kinds if kind not in (float, int, str, bool, type(None)))
        if not issubclass(odd, float | int | str):
            raise UsageError(f"a cell of type {odd.__name__}", "frame", "give numbers, flags, texts or None")
    keys: Sequence[Any] = cells if kinds <= {str, type(None)} else list(zip(map(type, cells), cells, strict=True))
    places = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    codes = np.fromiter(map(places.__getitem__, keys), dtype=np.intp, count=len(cells))
    words = [*places] if keys is cells else [key[1] for key in places]
    return Coded(words, codes)


def _emptied(column: Coded, empty: Marks | None) -> Coded:
    if empty is None or not empty.any():
        return column
    return Coded([*column.values, None], np.where(empty, len(column.values), column.codes))


@dataclass(frozen=True, slots=True)
class Table:
    """`n` rows. Columns that are not there are empty throughout."""

    n: int
    columns: Mapping[str, Stored]
    _coded: dict[str, Coded] = field(default_factory=dict, compare=False)

    def part(self, rows: slice | Places) -> Table:
        """Return some of the rows."""
        n = len(range(*rows.indices(self.n))) if isinstance(rows, slice) else len(rows)
        made = Table(n, {name: column[rows] for name, column in self.columns.items()})
        made._coded.update({name: column[rows] for name, column in self._coded.items()})
        return made

    def words(self, name: str) -> Coded:
        """Return a column as numbers of its distinct cells, each as a request would bring it."""
        found = self.columns.get(name)
        if isinstance(found, Coded):
            return found
        if name not in self._coded:
            self._coded[name] = _words(found, self.n)
        return self._coded[name]

    def floats(self, name: str) -> Floats:
        """Return a column as the scorer takes it: NaN where a cell is empty, an infinity for what is no number."""
        found = self.columns.get(name)
        if found is None:
            return np.full(self.n, math.nan)
        if isinstance(found, Coded):
            return _of_words(found, [_scored(cell) for cell in found.values])
        if found.sent is None and not _far(found.values):
            return found.values
        return np.where((np.abs(found.values) >= LARGEST) | _sent(found), math.inf, found.values)

    def counted(self, name: str) -> Floats:
        """Return a column as windows count it: what is no number is as an empty cell, NaN."""
        found = self.columns.get(name)
        if found is None:
            return np.full(self.n, math.nan)
        if isinstance(found, Coded):
            told = [as_number(cell) for cell in found.values]
            return _of_words(found, [math.nan if one is None else one for one in told])
        return np.where(np.abs(found.values) >= LARGEST, math.nan, found.values) if _far(found.values) else found.values

    def cells(self, name: str) -> list[Cell]:
        """Return all cells of a column."""
        found = self.columns.get(name)
        if found is None:
            return [None] * self.n
        if isinstance(found, Coded):
            return list(map(found.values.__getitem__, found.codes.tolist()))
        cells: list[Cell] = (
            found.values.tolist() if found.kind == FLOAT else [*map(_whole(found), found.values.tolist())]
        )
        for at in np.flatnonzero(np.isnan(found.values) & ~_sent(found)).tolist():
            cells[at] = None
        return cells

    def cell(self, name: str, row: int) -> Cell:
        """Return one cell."""
        found = self.columns.get(name)
        if found is None:
            return None
        if isinstance(found, Coded):
            cell: Cell = found.values[int(found.codes[row])]
            return cell
        value = float(found.values[row])
        if math.isnan(value):
            return value if found.sent is not None and found.sent[row] else None
        return int(value) if found.kind == INT else value == 1.0 if found.kind == BOOL else value

    def row(self, at: int) -> dict[str, Cell]:
        """Return one row as a request brings it."""
        return {name: self.cell(name, at) for name in self.columns}


def _whole(column: Numbers) -> Any:  # noqa: ANN401
    cast = _CAST[column.kind]
    return lambda value: value if value != value else cast(value)


def _far(values: Floats) -> bool:
    return bool(values.size) and not (
        np.nanmin(values, initial=0.0) > -LARGEST and np.nanmax(values, initial=0.0) < LARGEST
    )


def _sent(column: Numbers) -> Marks:
    return np.zeros(len(column.values), dtype=bool) if column.sent is None else column.sent


def _words(column: Numbers | None, n: int) -> Coded:
    if column is None:
        return Coded([None], np.zeros(n, dtype=np.intp))
    values, codes = np.unique(column.values, return_inverse=True)
    words: list[Cell] = [None if value != value else _CAST[column.kind](value) for value in values.tolist()]
    coded = Coded(words, codes.astype(np.intp))
    if column.sent is None:
        return coded
    return Coded([*words, math.nan], np.where(column.sent, len(words), coded.codes))


def _of_words(column: Coded, told: list[float]) -> Floats:
    values = np.array(told or [math.nan], dtype=np.float64)
    return np.asarray(values[column.codes], dtype=np.float64)


def _scored(cell: Cell) -> float:
    """As `profile.columns` has it for a cell of a row."""
    if cell is None or cell == "":
        return math.nan
    number = as_number(cell)
    return math.inf if number is None else number
