"""Tensors of the Open Inference Protocol (kserve/open-inference-protocol, inference_rest.md and its gRPC twin).

In: the values of one column, as JSON, as typed values or as raw bytes. Out: cells, and back. Shapes are [n] or [n, 1].
Raw values are little endian, one after the other; BYTES are 4-byte lengths, each followed by that many bytes. BF16 is
the upper half of an FP32. NaN is a missing value; an infinite one is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from shipworthy.deploy.body import BadBody, Cell

MAX_ROWS = 1_000
BYTES = "BYTES"
_RAW = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "UINT8": "B", "UINT16": "H", "UINT32": "I",
    "UINT64": "Q", "FP16": "e", "FP32": "f", "FP64": "d", "BF16": "H",
}  # fmt: skip
DATATYPES = frozenset((*_RAW, BYTES))
_DATATYPE = {"int": "INT64", "float": "FP64", "bool": "BOOL", "category": BYTES, "text": BYTES}


def datatype_of(kind: str) -> str:
    """Return the datatype of a feature type of the manifest.

    >>> [datatype_of(kind) for kind in ("int", "float", "bool", "category", "text")]
    ['INT64', 'FP64', 'BOOL', 'BYTES', 'BYTES']
    """
    return _DATATYPE[kind]


def rows_in(shape: Sequence[int], datatype: str, where: str) -> int:
    """Return n of a shape [n] or [n, 1]. Raises BadBody for another shape, too many rows or an unknown datatype."""
    n = shape[0] if shape else 0
    if not 1 <= n <= MAX_ROWS or list(shape[1:]) not in ([], [1]):
        raise BadBody(f"shape {list(shape)}", where, f"[n] or [n, 1] with n from 1 to {MAX_ROWS}")
    if datatype not in DATATYPES:
        raise BadBody(f"datatype {datatype!r}", where, ", ".join(sorted(DATATYPES)))
    return n


def typed(values: Iterable[Any], datatype: str, where: str) -> list[Cell]:
    """Return the values as cells when each is of the declared datatype; None is a missing value of any."""
    return [_typed(value, datatype, where) for value in values]


def unpacked(raw: bytes | memoryview, n: int, datatype: str, where: str) -> list[Cell]:
    """Return the n cells of a raw tensor. Raises BadBody when the bytes do not make n values."""
    try:
        if datatype == BYTES:
            return _texts(memoryview(raw))
        values = struct.unpack(f"<{n}{_RAW[datatype]}", raw)
    except (struct.error, UnicodeDecodeError) as error:
        raise BadBody(f"raw {datatype} cannot be read: {error}", where) from error
    if datatype == "BF16":
        values = struct.unpack(f"<{n}f", struct.pack(f"<{n}I", *(value << 16 for value in values)))
    if any(isinstance(value, float) and math.isinf(value) for value in values):
        raise BadBody("an infinite value", where)
    return [None if value != value else value for value in values]


def packed_texts(texts: Iterable[str]) -> bytes:
    """Return BYTES as raw.

    >>> packed_texts(("deny", ""))
    b'\\x04\\x00\\x00\\x00deny\\x00\\x00\\x00\\x00'
    """
    spelled = [text.encode() for text in texts]
    return b"".join(struct.pack("<I", len(text)) + text for text in spelled)


def packed_numbers(values: Sequence[float | None]) -> bytes:
    """Return FP64 as raw; a missing value is NaN, since a raw tensor has no other word for it."""
    return struct.pack(f"<{len(values)}d", *(math.nan if value is None else value for value in values))


def rows_of(names: Sequence[str], columns: Sequence[list[Cell]]) -> list[dict[str, Cell]]:
    """Return rows of columns. Raises BadBody unless columns are named, once each, and of equal length."""
    if not names or len(set(names)) != len(names):
        raise BadBody("inputs must name at least one column, each once", "inputs")
    if len({len(column) for column in columns}) != 1:
        raise BadBody("inputs must have equal lengths", "inputs")
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _typed(cell: Any, datatype: str, where: str) -> Cell:  # noqa: ANN401 - checked here
    right = (
        cell is None
        or (datatype == BYTES and isinstance(cell, str))
        or (datatype == "BOOL" and isinstance(cell, bool))
        or (datatype.startswith(("INT", "UINT")) and type(cell) is int and _fits(cell, datatype))
        or (datatype.startswith(("FP", "BF")) and _is_finite(cell))
    )
    if not right:
        raise BadBody(f"{cell!r} is not {datatype}", where)
    return cell  # type: ignore[no-any-return]


def _is_finite(cell: Any) -> bool:  # noqa: ANN401
    return (type(cell) is float and math.isfinite(cell)) or (type(cell) is int and -(1 << 63) <= cell < 1 << 64)


def _fits(number: int, datatype: str) -> bool:
    bits = int(datatype.lstrip("UINT"))
    return 0 <= number < 1 << bits if datatype[0] == "U" else -(1 << bits - 1) <= number < 1 << bits - 1


def _texts(raw: memoryview) -> list[Cell]:
    texts: list[Cell] = []
    at = 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        if at + 4 + length > len(raw):
            raise struct.error("text runs over the end")
        texts.append(str(raw[at + 4 : at + 4 + length], "utf-8"))
        at += 4 + length
    return texts
