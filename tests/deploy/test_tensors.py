"""Tensors: what one column may hold, and what is not one; raw bytes against numpy's own."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.body import BadBody
from shipworthy.deploy.tensors import DATATYPES, packed_numbers, packed_texts, rows_in, rows_of, typed, unpacked

NUMPY = {
    "BOOL": "?", "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "<u1", "UINT16": "<u2",
    "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
INTEGERS = [name for name in NUMPY if "INT" in name]


@pytest.mark.parametrize("datatype", [name for name in NUMPY if name != "BOOL"])
def test_raw_numbers_are_read_as_numpy_writes_them(datatype: str) -> None:
    kind = np.dtype(NUMPY[datatype])
    ends = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
    column = np.array([ends.min, 0, 1, ends.max], dtype=kind)
    assert unpacked(column.tobytes(), 4, datatype, "a") == column.tolist()


def test_raw_truths_halves_of_floats_and_texts_are_read() -> None:
    assert unpacked(b"\1\0", 2, "BOOL", "a") == [True, False]
    wide = np.array([1.5, -2.0, math.nan], dtype="<f4")
    upper = (wide.view("<u4") >> 16).astype("<u2").tobytes()
    assert unpacked(upper, 3, "BF16", "a") == [1.5, -2.0, None]
    assert unpacked(packed_texts(["P01", "", "é"]), 3, "BYTES", "a") == ["P01", "", "é"]


@given(values=st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_come_back_from_raw_as_they_were_and_missing_ones_missing(values: list[float | None]) -> None:
    assert unpacked(packed_numbers(values), len(values), "FP64", "a") == values


@given(texts=st.lists(st.text(max_size=9)))
def test_texts_come_back_from_raw_as_they_were(texts: list[str]) -> None:
    assert unpacked(packed_texts(texts), len(texts), "BYTES", "a") == texts


@given(raw=st.binary(max_size=24), n=st.integers(1, 5), datatype=st.sampled_from(sorted(DATATYPES)))
def test_any_bytes_are_n_finite_values_or_refused(raw: bytes, n: int, datatype: str) -> None:
    try:
        cells = unpacked(raw, n, datatype, "a")
    except BadBody:
        return
    assert datatype == "BYTES" or len(cells) == n
    assert not any(isinstance(cell, float) and not math.isfinite(cell) for cell in cells)


@pytest.mark.parametrize(
    ("raw", "n", "datatype"),
    [
        (b"\0" * 7, 1, "FP64"),
        (b"\0" * 9, 1, "FP64"),
        (b"\0" * 16, 1, "FP64"),
        (struct.pack("<d", math.inf), 1, "FP64"),
        (b"\x80\x7f", 1, "BF16"),
        (b"\0\0\0", 1, "BYTES"),
        (b"\2\0\0\0x", 1, "BYTES"),
        (b"\1\0\0\0\xff", 1, "BYTES"),
        (b"\xff\xff\xff\xffx", 1, "BYTES"),
    ],
)
def test_raw_bytes_that_are_no_values_are_refused(raw: bytes, n: int, datatype: str) -> None:
    with pytest.raises(BadBody):
        unpacked(raw, n, datatype, "a")


@pytest.mark.parametrize("datatype", INTEGERS)
def test_an_integer_outside_its_datatype_is_refused_and_the_ends_are_not(datatype: str) -> None:
    ends = np.iinfo(np.dtype(NUMPY[datatype]))
    assert typed([int(ends.min), int(ends.max), None], datatype, "a") == [ends.min, ends.max, None]
    for outside in (int(ends.min) - 1, int(ends.max) + 1, True, 1.0, "1"):
        with pytest.raises(BadBody, match=f"is not {datatype}"):
            typed([outside], datatype, "a")


@pytest.mark.parametrize(
    ("cell", "datatype"),
    [
        (math.inf, "FP64"), (math.nan, "FP32"), (True, "FP64"), ("1", "FP16"), (10**400, "FP64"), (1, "BOOL"),
        ("true", "BOOL"), (1, "BYTES"), (b"x", "BYTES"), ([1.0], "FP64"), ({}, "BYTES"), (1 << 64, "FP64"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(cell: Any, datatype: str) -> None:
    with pytest.raises(BadBody):
        typed([cell], datatype, "a")


def test_numbers_of_a_float_column_may_be_whole() -> None:
    assert typed([1, 2.5, None, -(1 << 63)], "FP64", "a") == [1, 2.5, None, -(1 << 63)]


@pytest.mark.parametrize("shape", [[], [0], [-1], [1001], [2, 2], [2, 1, 1], [2, 0]])
def test_a_shape_that_is_no_column_is_refused(shape: list[int]) -> None:
    with pytest.raises(BadBody, match="shape"):
        rows_in(shape, "FP64", "a")


def test_a_column_has_up_to_a_thousand_rows_of_a_known_datatype() -> None:
    assert [rows_in([1000], "FP64", "a"), rows_in([3, 1], "BF16", "a")] == [1000, 3]
    with pytest.raises(BadBody, match="datatype 'FP8'"):
        rows_in([1], "FP8", "a")


def test_columns_are_named_once_each_and_of_equal_length() -> None:
    assert rows_of(["a", "b"], [[1, 2], ["x", None]]) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    for names, columns in (([], []), (["a", "a"], [[1], [2]]), (["a", "b"], [[1], [1, 2]])):
        with pytest.raises(BadBody):
            rows_of(names, columns)  # type: ignore[arg-type]
