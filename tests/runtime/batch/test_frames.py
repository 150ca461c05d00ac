"""A frame holds the rows that a request would bring, whatever library made it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import UsageError
from shipworthy.runtime.batch.frames import table_of

COLUMNS: dict[str, list[Any]] = {
    "whole": [1, 2, 3, 2],
    "part": [0.5, None, -1.0, 7.0],
    "word": ["a", None, "b", "a"],
    "flag": [True, False, True, True],
    "far": [2**60 + 1, 1, 2, 3],
}
ROWS = [dict(zip(COLUMNS, cells, strict=True)) for cells in zip(*COLUMNS.values(), strict=True)]


def rows_of(frame: object) -> list[dict[str, Any]]:
    table = table_of(frame)
    rows = [table.row(at) for at in range(table.n)]
    for name in table.columns:
        assert [row[name] for row in rows] == table.cells(name)
        assert [row[name] for row in rows] == table.words(name).cells()
    return rows


def same(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> bool:
    typed = [[{name: (type(cell), cell) for name, cell in row.items()} for row in rows] for rows in (left, right)]
    return typed[0] == typed[1]


def test_rows_and_columns_of_python_are_taken_as_they_stand() -> None:
    assert same(rows_of(ROWS), ROWS)
    assert same(rows_of(COLUMNS), ROWS)


def test_numpy_columns_are_numbers_with_nan_for_an_empty_cell() -> None:
    columns = {
        "whole": np.array([1, 2, 3, 2], dtype=np.int32),
        "part": np.array([0.5, math.nan, -1.0, 7.0]),
        "word": np.array(["a", None, "b", "a"], dtype=object),
        "flag": np.array([True, False, True, True]),
        "far": np.array(COLUMNS["far"]),
    }
    assert same(rows_of(columns), ROWS)


def test_arrow_tables_hold_the_same_rows() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(COLUMNS)
    assert same(rows_of(table), ROWS)
    coded = table.set_column(2, "word", table.column("word").dictionary_encode())
    assert same(rows_of(coded), ROWS)


def test_pandas_frames_hold_the_same_rows() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: pandas.Series(cells) for name, cells in COLUMNS.items()})
    assert same(rows_of(frame), ROWS)
    typed = frame.convert_dtypes()
    typed["part"] = typed["part"].astype("Float64")
    typed["word"] = typed["word"].astype("category")
    assert same(rows_of(typed), ROWS)


def test_polars_frames_hold_the_same_rows() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(COLUMNS)
    assert same(rows_of(frame), ROWS)
    assert same(rows_of(frame.with_columns(polars.col("word").cast(polars.Categorical))), ROWS)


def test_a_nan_beside_nulls_was_sent_and_is_no_empty_cell() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = table_of({"x": arrow.array([math.nan, None, 1.0])})
    sent, empty, number = (table.cell("x", row) for row in range(3))
    assert isinstance(sent, float)
    assert math.isnan(sent)
    assert (empty, number) == (None, 1.0)
    assert table.floats("x").tolist()[0] == math.inf


@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), max_size=12))
def test_any_cells_come_back(cells: list[Any]) -> None:
    table = table_of([{"x": cell} for cell in cells])
    assert list(map(repr, table.cells("x"))) == list(map(repr, cells)) if cells else table.n == 0


@pytest.mark.parametrize(
    "frame", [3, "rows", [1], {"x": [1], "y": [1, 2]}, {"x": np.zeros((2, 2))}, [{"x": [1]}], {"x": 4}]
)
def test_what_is_no_table_is_refused_in_one_line(frame: object) -> None:
    with pytest.raises(UsageError):
        table_of(frame)
