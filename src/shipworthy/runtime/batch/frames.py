"""Whatever holds a table becomes a `Table`: pandas, Polars and Arrow frames, columns by name, or rows.

In: a frame. Out: numbers as float64, everything else as numbers of distinct cells. No frame library is imported here:
a frame is known by what it can do. A cell is what a request would bring: pandas and numpy write an empty number as NaN,
so a NaN is an empty cell there; Arrow and Polars have a null of their own, so a NaN there was sent and is no number. Of
rows, each cell is taken as it stands.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.deploy.batch.table import Stored, Table, cells_of, numbers_of
from shipworthy.errors import UsageError
from shipworthy.profile.columns import Coded

_NUMBERS = "fiub"


def table_of(frame: object) -> Table:
    """Return the table of a frame. Raises UsageError for what is none, or has columns of several lengths."""
    if isinstance(frame, Table):
        return frame
    if isinstance(frame, Mapping):
        return _joined({str(name): _column(column) for name, column in frame.items()})
    if _from(frame, "pandas"):
        return _joined({str(name): _of_pandas(frame[name]) for name in frame.columns})  # type: ignore[index, attr-defined]
    if _from(frame, "polars"):
        return _joined({name: _of_polars(frame[name]) for name in frame.columns})  # type: ignore[index, attr-defined]
    if hasattr(frame, "__arrow_c_stream__") or _from(frame, "pyarrow"):
        return _of_arrow(frame)
    if isinstance(frame, Sequence) and not isinstance(frame, str | bytes):
        return _of_rows(frame)
    raise UsageError(f"not a table: {type(frame).__name__}", "frame", "give a frame, columns by name, or rows")


def _joined(columns: dict[str, Stored]) -> Table:
    sizes = {len(column) for column in columns.values()}
    if len(sizes) > 1:
        raise UsageError(f"columns of {sorted(sizes)} rows", "frame", "give columns of one length")
    return Table(sizes.pop() if sizes else 0, columns)


def _from(frame: object, package: str) -> bool:
    return type(frame).__module__.partition(".")[0] == package and package in sys.modules


def _of_rows(rows: Sequence[Any]) -> Table:
    """Rows as `Guard.decide` takes them; this is the only form that costs a step of Python a cell."""
    if not all(isinstance(row, Mapping) for row in rows):
        raise UsageError("not all rows are mappings from column to cell", "frame", "give rows as dictionaries")
    names = dict.fromkeys(name for row in rows for name in row)
    return Table(len(rows), {str(name): cells_of([row.get(name) for row in rows]) for name in names})


def _column(column: Any) -> Stored:  # noqa: ANN401
    if isinstance(column, Coded):
        return column
    if _from(column, "pandas"):
        return _of_pandas(column)
    if _from(column, "polars"):
        return _of_polars(column)
    if _from(column, "pyarrow"):
        return _of_arrow_column(column)
    if isinstance(column, np.ndarray):
        return _of_numpy(column)
    if isinstance(column, Sequence) and not isinstance(column, str | bytes):
        return cells_of(column)
    raise UsageError(f"not a column: {type(column).__name__}", "frame", "give an array or a list")


def _of_numpy(values: NDArray[Any]) -> Stored:
    if values.ndim != 1:
        raise UsageError(f"a column of shape {values.shape}", "frame", "give one dimension")
    if values.dtype.kind in _NUMBERS:
        return numbers_of(values)
    return cells_of([None if cell != cell else cell for cell in values.tolist()])


def _of_pandas(series: Any) -> Stored:  # noqa: ANN401
    kind = series.dtype
    if isinstance(kind, np.dtype):
        return _of_numpy(series.to_numpy())
    if hasattr(kind, "categories"):
        words = _of_numpy(np.asarray(kind.categories))
        values = words.values.tolist() if isinstance(words.values, np.ndarray) else list(words.values)
        return _coded([*values, None], series.cat.codes.to_numpy())
    empty = series.isna().to_numpy(dtype=bool)
    if getattr(kind, "kind", "O") in _NUMBERS:
        fill = {"f": np.nan, "b": False}.get(kind.kind, 0)
        return numbers_of(series.to_numpy(dtype=getattr(kind, "numpy_dtype", None), na_value=fill), empty)
    return cells_of([None if none else cell for cell, none in zip(series.tolist(), empty.tolist(), strict=True)])


def _of_polars(series: Any) -> Stored:  # noqa: ANN401
    kind = str(series.dtype)
    if (series.dtype.is_numeric() and not kind.startswith("Decimal")) or kind == "Boolean":
        empty = series.is_null().to_numpy() if series.null_count() else None
        values = series.fill_null(False if kind == "Boolean" else 0).to_numpy()
        return numbers_of(values, np.zeros(len(values), dtype=bool) if empty is None else empty)
    return cells_of(series.to_list())


def _of_arrow(frame: Any) -> Table:  # noqa: ANN401
    try:
        import pyarrow
    except ImportError as problem:
        raise UsageError("pyarrow is not installed", "frame", "pip install 'shipworthy[logs]'") from problem
    table = pyarrow.table(frame)
    return _joined({name: _of_arrow_column(table.column(name)) for name in table.column_names})


def _of_arrow_column(column: Any) -> Stored:  # noqa: ANN401
    import pyarrow as arrow

    array = column.combine_chunks() if isinstance(column, arrow.ChunkedArray) else column
    types = arrow.types
    if types.is_integer(array.type) or types.is_floating(array.type) or types.is_boolean(array.type):
        empty = np.asarray(array.is_null(), dtype=bool)
        filled = array.fill_null(False if types.is_boolean(array.type) else 0)
        return numbers_of(filled.to_numpy(zero_copy_only=False), empty)
    if types.is_string(array.type) or types.is_large_string(array.type) or types.is_dictionary(array.type):
        coded = array if types.is_dictionary(array.type) else array.dictionary_encode()
        words = [*coded.dictionary.to_pylist(), None]
        return _coded(words, np.asarray(coded.indices.fill_null(len(words) - 1)))
    return cells_of(array.to_pylist())


def _coded(words: Sequence[Any], codes: NDArray[Any]) -> Coded:
    """A dictionary whose last word stands for empty cells, which -1 may point at as well."""
    cells_of(words)  # refuses what is no cell
    at = codes.astype(np.intp)
    return Coded(words, np.where(at < 0, len(words) - 1, at))
