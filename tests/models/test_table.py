"""Rows out of CSV files."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import ContractError
from shipworthy.models.spec import columns_of, values_of
from shipworthy.models.table import matrix, parse_cell, read_rows

TEXT = "amount,supplier,label\n12,P01,1\n1.5,,0\n,007,1\n"


def write(folder: Path, text: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_cells_become_numbers_text_or_nothing(tmp_path: Path, name: str) -> None:
    assert read_rows(write(tmp_path, TEXT, name)) == [
        {"amount": 12, "supplier": "P01", "label": 1},
        {"amount": 1.5, "supplier": None, "label": 0},
        {"amount": None, "supplier": 7, "label": 1},
    ]


def test_a_column_named_as_text_keeps_its_spelling(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, TEXT), text=frozenset({"supplier"}))
    assert [row["supplier"] for row in rows] == ["P01", None, "007"]


def test_a_filter_keeps_what_is_true_and_drops_what_is_unknown(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)
    assert [row["amount"] for row in read_rows(path, "amount > 2")] == [12]
    assert len(read_rows(path, "label == 1")) == 2


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_comes_back(value: float) -> None:
    assert parse_cell(repr(value)) == value


@given(value=st.integers(-(10**17), 10**17))
def test_every_integer_comes_back_as_one(value: int) -> None:
    assert parse_cell(str(value)) == value
    assert isinstance(parse_cell(str(value)), int)


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "1_000", " 1", "1e999", "٣", "0x10", "True"])
def test_what_only_looks_like_a_number_stays_text(cell: str) -> None:
    assert parse_cell(cell) == cell


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("", "true", "header"),
        ("a,a\n1,2\n", "true", "header"),
        ("a,b\n1\n", "true", ":2"),
        ('a,b\n"1,2\n', "true", "cannot be read"),
        ("a\n1\n", "a >", "where"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, where: str, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        read_rows(write(tmp_path, text), where)


def test_a_table_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"a\n\xff\n")
    (tmp_path / "bad.csv.gz").write_bytes(gzip.compress(b"a\n1\n")[:-6])
    for name in ("absent.csv", "bad.csv", "bad.csv.gz"):
        with pytest.raises(ContractError):
            read_rows(tmp_path / name)


@given(rows=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5), max_size=5))
def test_text_survives_quoting(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    path = tmp_path_factory.mktemp("t") / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["a", "b"], *([cell, "x"] for cell in rows)])
    read = [row["a"] for row in read_rows(path, text=frozenset({"a"}))]
    assert [None if cell is None else str(cell) for cell in read] == [cell or None for cell in rows]


def test_values_come_in_model_order_and_categories_as_text() -> None:
    columns = (("supplier", "category"), ("amount", "float"))
    row = {"amount": 1.5, "supplier": 42.0, "other": 1}
    assert values_of(row, columns) == ["42", 1.5]
    assert values_of({"supplier": "", "amount": ""}, columns) == [None, None]
    assert matrix([row, {}], columns) == [["42", 1.5], [None, None]]


def test_a_model_without_columns_is_refused() -> None:
    with pytest.raises(ContractError):
        columns_of(())
