"""Bodies are read strictly: JSON rows, labels, V2 tensors."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.body import BadBody, read_ask, read_labels
from shipworthy.deploy.v2 import read_infer

CELL = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
ROW = st.dictionaries(st.text(max_size=6), CELL | st.text(max_size=8), max_size=6)


@given(row=ROW)
def test_every_row_is_read_as_it_was_written(row: dict[str, Any]) -> None:
    assert read_ask(json.dumps({"row": row}).encode()) == row


@given(row=ROW, name=st.text(max_size=6))
def test_a_name_given_twice_is_refused(row: dict[str, Any], name: str) -> None:
    members = [*row.items(), (name, 1), (name, 1)]
    body = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in members)
    with pytest.raises(BadBody):
        read_ask(f'{{"row": {{{body}}}}}'.encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"row": []}', b'{"row": {"a": NaN}}', b'{"row": {"a": Infinity}}',
     b'{"row": {"a": 1e999}}',
     b'{"row": {"a": [1]}}', b'{"row": {"a": {}}}', b'{"row": {}, "x": 1}', b'{"row": {}, "row": {}}', b"\xff\xfe",
     b'{"row": {"a": "\xff"}}', b'{"row":' * 5000, b"[" * 100_000],
)  # fmt: skip
def test_what_is_not_a_row_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_ask(body)


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"receipt": "x"}', b'{"receipt": "x", "label": 2}', b'{"receipt": "x", "label": 0.5}',
     b'{"receipt": "x", "label": null}', b'{"receipt": "x", "label": 1, "label": 0}',
     b'[{"receipt": "x", "label": -1}]'],
)  # fmt: skip
def test_what_is_not_a_label_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_labels(body)


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def test_columns_become_rows_flat_or_nested() -> None:
    inputs = [
        tensor("amount", "FP64", [1.5, 2]),
        tensor("supplier", "BYTES", [["P01"], ["P02"]], [2, 1]),
        tensor("urgent", "BOOL", [True, None]),
        tensor("items", "INT64", [3, 4]),
    ]
    ask, rows = read_infer(json.dumps({"id": "7", "inputs": inputs}).encode())
    assert ask.id == "7"
    assert rows == [
        {"amount": 1.5, "supplier": "P01", "urgent": True, "items": 3},
        {"amount": 2, "supplier": "P02", "urgent": None, "items": 4},
    ]


def test_raw_tensors_follow_the_json() -> None:
    amounts = struct.pack("<2d", 1.5, float("nan"))
    texts = b"".join(struct.pack("<I", len(text)) + text for text in (b"P01", b""))
    inputs = [
        {"name": "amount", "datatype": "FP64", "shape": [2, 1], "parameters": {"binary_data_size": len(amounts)}},
        {"name": "supplier", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": len(texts)}},
    ]
    head = json.dumps({"inputs": inputs}).encode()
    _, rows = read_infer(head + amounts + texts, len(head))
    assert rows == [{"amount": 1.5, "supplier": "P01"}, {"amount": None, "supplier": ""}]


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [tensor("a", "FP64", [1.0]), tensor("a", "FP64", [1.0])],
        [tensor("a", "FP64", [1.0]), tensor("b", "FP64", [1.0, 2.0])],
        [tensor("a", "FP64", [1.0], [2])],
        [tensor("a", "FP64", [1.0], [1, 2])],
        [tensor("a", "FP64", [], [0])],
        [tensor("a", "FP64", ["x"])],
        [tensor("a", "INT64", [1.5])],
        [tensor("a", "INT64", [True])],
        [tensor("a", "BYTES", [1])],
        [tensor("a", "STRING", ["x"])],
        [tensor("a", "FP64", [[[1.0]]])],
        [{"name": "a", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}],
        [{"name": "a", "datatype": "FP64", "shape": [10**9], "data": [1.0]}],
    ],
)
def test_tensors_that_are_no_columns_are_refused(inputs: list[dict[str, Any]]) -> None:
    with pytest.raises(BadBody):
        read_infer(json.dumps({"inputs": inputs}).encode())


@given(raw=st.binary(max_size=40), datatype=st.sampled_from(["BYTES", "FP64", "INT64", "BOOL"]))
def test_raw_bytes_never_crash_the_reader(raw: bytes, datatype: str) -> None:
    inputs = [{"name": "a", "datatype": datatype, "shape": [2], "parameters": {"binary_data_size": len(raw)}}]
    head = json.dumps({"inputs": inputs}).encode()
    try:
        _, rows = read_infer(head + raw, len(head))
    except BadBody:
        return
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("size", "raw", "data"),
    [(8, b"\0" * 9, None), (8, b"\0" * 7, None), (-8, b"\0" * 8, None), (True, b"\0", None), ("8", b"\0" * 8, None),
     (8, b"\0" * 8, [1.0]), (0, b"\0" * 8, None)],
)  # fmt: skip
def test_raw_bytes_are_used_up_by_what_declares_them(size: Any, raw: bytes, data: list[float] | None) -> None:
    tensor = {"name": "a", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": size}, "data": data}
    head = json.dumps({"inputs": [tensor]}).encode()
    with pytest.raises(BadBody):
        read_infer(head + raw, len(head))
    with pytest.raises(BadBody, match="longer than the body"):
        read_infer(head, len(head) + 1)


def test_no_size_takes_bytes_that_another_declares() -> None:
    sizes = {"a": -8, "b": 8}
    inputs = [
        {"name": name, "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": size}}
        for name, size in sizes.items()
    ]
    head = json.dumps({"inputs": inputs}).encode()
    with pytest.raises(BadBody, match="binary_data_size"):
        read_infer(head + bytes(16), len(head))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**23])
def test_an_integer_that_nothing_after_us_could_carry_is_refused(number: int) -> None:
    with pytest.raises(BadBody, match="64 bits"):
        read_ask(b'{"row":{"a":%d}}' % number)


def test_the_largest_integers_of_64_bits_are_taken() -> None:
    for number in (2**63 - 1, -(2**63) + 1):
        assert read_ask(b'{"row":{"a":%d}}' % number) == {"a": number}
