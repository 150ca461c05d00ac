"""One column of a chunk of a log, whatever it was read from: as numbers, as cells, as times.

In: cells of a CSV, Python values, or an Arrow array. Out: arrays, by the cell rules of `models.table` and
`profile.rows`. A cell that is neither empty nor what is asked for is marked, so that it can be counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np

from shipworthy.models.spec import Cell
from shipworthy.models.table import parse_cell, spelled_cell
from shipworthy.observe.frames.columns import Floats, Marks, Places
from shipworthy.profile.rows import LARGEST, as_number

Cells = tuple[tuple[Cell, ...], Places]
_UNITS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (math.inf, 1e-9))  # epoch seconds, ms, µs, ns


class Column(Protocol):
    """One column of some rows."""

    def numbers(self) -> tuple[Floats, Marks]:
        """Return (numbers, which cells are neither a number nor empty); NaN is no number."""
        ...

    def cells(self) -> Cells:
        """Return (values that occur, their places by row); a NaN is an empty cell here."""
        ...

    def seconds(self) -> Floats:
        """Return seconds since the epoch; NaN for what is no time."""
        ...


class Spelled:
    """Cells of a CSV, as they are written. `text`: the column is text whatever it looks like."""

    def __init__(self, cells: Sequence[str], text: bool) -> None:
        self._cells, self._text = cells, text

    def numbers(self) -> tuple[Floats, Marks]:
        """As `Column.numbers`."""
        parse = spelled_cell if self._text else parse_cell
        known = {cell: as_number(parse(cell)) for cell in set(self._cells)}
        values = np.array(
            list(map({cell: math.nan if one is None else one for cell, one in known.items()}.__getitem__, self._cells))
        )
        empty = np.fromiter((not cell for cell in self._cells), dtype=bool, count=len(self._cells))
        return values, np.isnan(values) & ~empty

    def cells(self) -> Cells:
        """As `Column.cells`."""
        spelled = dict.fromkeys(self._cells)
        places = {cell: at for at, cell in enumerate(spelled)}
        codes = np.fromiter(map(places.__getitem__, self._cells), dtype=np.intp, count=len(self._cells))
        parse: Callable[[str], Cell] = spelled_cell if self._text else parse_cell
        return tuple(parse(cell) for cell in spelled), codes

    def seconds(self) -> Floats:
        """As `Column.seconds`."""
        return _seconds(self.cells())


class Valued:
    """Python values, as JSON lines and frames without Arrow give them."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    def numbers(self) -> tuple[Floats, Marks]:
        """As `Column.numbers`."""
        told = [as_number(_plain(value)) for value in self._values]
        values = np.array([math.nan if one is None else one for one in told], dtype=np.float64)
        empty = np.array([value is None or value == "" for value in self._values], dtype=bool)
        return values, np.isnan(values) & ~empty

    def cells(self) -> Cells:
        """As `Column.cells`."""
        places: dict[tuple[type, Cell], int] = {}
        codes = np.empty(len(self._values), dtype=np.intp)
        for at, given in enumerate(self._values):
            value = _plain(given)
            codes[at] = places.setdefault((type(value), value), len(places))
        return tuple(value for _, value in places), codes

    def seconds(self) -> Floats:
        """As `Column.seconds`."""
        return _seconds(self.cells())


class Empty:
    """A column that is not there."""

    def __init__(self, n: int) -> None:
        self._n = n

    def numbers(self) -> tuple[Floats, Marks]:
        """As `Column.numbers`."""
        return np.full(self._n, math.nan), np.zeros(self._n, dtype=bool)

    def cells(self) -> Cells:
        """As `Column.cells`."""
        return (None,), np.zeros(self._n, dtype=np.intp)

    def seconds(self) -> Floats:
        """As `Column.seconds`."""
        return np.full(self._n, math.nan)


class Arrowed:
    """An Arrow array. `arrow` is the module `pyarrow`."""

    def __init__(self, array: Any, arrow: Any) -> None:  # noqa: ANN401
        self._arrow = arrow
        self._array = array.combine_chunks() if isinstance(array, arrow.ChunkedArray) else array

    def numbers(self) -> tuple[Floats, Marks]:
        """As `Column.numbers`."""
        array, types = self._flat(), self._arrow.types
        kind = array.type
        if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind):
            if types.is_boolean(kind):
                array = array.cast(self._arrow.int8())
            cast = array.cast(self._arrow.float64(), safe=False)
            empty = np.asarray(cast.is_null())
            values = np.array(cast.fill_null(math.nan), dtype=np.float64)
            far = np.abs(values) >= LARGEST
            if far.any():
                values[far] = math.nan
            return values, np.isnan(values) & ~empty
        if types.is_null(kind):
            return np.full(len(array), math.nan), np.zeros(len(array), dtype=bool)
        return Valued(array.to_pylist()).numbers()

    def cells(self) -> Cells:
        """As `Column.cells`."""
        array = self._array
        if not self._arrow.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        words = [_plain(value) for value in array.dictionary.to_pylist()]
        indices = array.indices
        codes = np.asarray(indices.fill_null(len(words)) if indices.null_count else indices).astype(np.intp)
        return (*words, None), codes

    def seconds(self) -> Floats:
        """As `Column.seconds`."""
        array, types = self._flat(), self._arrow.types
        if types.is_timestamp(array.type) or types.is_date(array.type):
            exact = array.cast(self._arrow.timestamp("us", getattr(array.type, "tz", None)), safe=False)
            told = exact.cast(self._arrow.int64()).cast(self._arrow.float64(), safe=False)
            return np.array(told.fill_null(math.nan), dtype=np.float64) / 1e6
        if types.is_integer(array.type) or types.is_floating(array.type):
            return _epoch(self.numbers()[0])
        return _seconds(self.cells())

    def _flat(self) -> Any:  # noqa: ANN401
        array = self._array
        return array.dictionary_decode() if self._arrow.types.is_dictionary(array.type) else array


def _plain(value: Any) -> Cell:  # noqa: ANN401
    """A cell as a request could bring it: NaN is empty, a decimal or a number of some library is a number."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return None if math.isnan(number) else number


def _seconds(cells: Cells) -> Floats:
    words, codes = cells
    return np.array([_moment(word) for word in words], dtype=np.float64)[codes]


def _moment(cell: Cell) -> float:
    """RFC 3339, or a number since the epoch whose size tells its unit; without a zone it is UTC."""
    if isinstance(cell, bool) or cell is None:
        return math.nan
    if isinstance(cell, int | float):
        return float(_epoch(np.array([cell], dtype=np.float64))[0])
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        return math.nan
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _epoch(numbers: Floats) -> Floats:
    scaled = numbers.copy()
    below = 0.0
    for most, factor in _UNITS:
        here = (np.abs(numbers) >= below) & (np.abs(numbers) < most)
        scaled[here] *= factor
        below = most
    return scaled
