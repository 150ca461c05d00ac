"""Open Inference Protocol V2, REST (kserve/open-inference-protocol, inference_rest.md), one column a tensor.

In: the JSON of an infer request, where needed followed by raw tensors (the binary extension). Out: rows; and back:
decisions and scores as output tensors, the rest as parameters. Shapes are [n] or [n, 1].
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from shipworthy.deploy.body import BadBody, Cell, read_as

MAX_ROWS = 1_000
EXTENSIONS = ["binary_tensor_data"]
_RAW = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "UINT8": "B", "UINT16": "H", "UINT32": "I",
    "UINT64": "Q", "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
_DATATYPE = {"int": "INT64", "float": "FP64", "bool": "BOOL", "category": "BYTES", "text": "BYTES"}


class Tensor(msgspec.Struct, frozen=True):
    """One input: a column of the rows."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class Wanted(msgspec.Struct, frozen=True):
    """A requested output."""

    name: str
    parameters: dict[str, Any] = {}


class InferAsk(msgspec.Struct, frozen=True):
    """An infer request."""

    inputs: list[Tensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Wanted] | None = None


class InferRow(msgspec.Struct, frozen=True):
    """What became of one row."""

    decision: str
    score: float | None
    route: str
    receipt: str
    version: str
    arm: str


_asks = msgspec.json.Decoder(InferAsk)


def read_infer(body: bytes, json_length: int | None = None) -> tuple[InferAsk, list[dict[str, Cell]]]:
    """Return the request and its rows. `json_length`: where raw tensors begin. Raises BadBody."""
    cut = len(body) if json_length is None else json_length
    if not 0 <= cut <= len(body):
        raise BadBody("the inference header is longer than the body", "Inference-Header-Content-Length")
    ask: InferAsk = read_as(_asks, body[:cut])
    names = [tensor.name for tensor in ask.inputs]
    if not names or len(set(names)) != len(names):
        raise BadBody("inputs must name at least one column, each once", "inputs")
    raw = memoryview(body)[cut:]
    columns: list[list[Cell]] = []
    for tensor in ask.inputs:
        column, raw = _column(tensor, raw)
        columns.append(column)
    if len(raw) or len({len(column) for column in columns}) != 1:
        raise BadBody("inputs must have equal lengths and use all raw bytes", "inputs")
    return ask, [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def infer_reply(model: str, ask: InferAsk, rows: Sequence[InferRow]) -> dict[str, Any]:
    """Return the response: outputs `decision` and `score`; routes and receipts as parameters, comma-separated."""
    n = len(rows)
    outputs = [
        {"name": "decision", "shape": [n], "datatype": "BYTES", "data": [row.decision for row in rows]},
        {"name": "score", "shape": [n], "datatype": "FP64", "data": [row.score for row in rows]},
    ]
    if ask.outputs:
        wanted = [one.name for one in ask.outputs]
        unknown = [name for name in wanted if name not in ("decision", "score")]
        if unknown:
            raise BadBody(f"unknown output {unknown[0]!r}", "outputs", "decision or score")
        outputs = [output for output in outputs if output["name"] in wanted]
    parameters = {
        "shipworthy_route": ",".join(row.route for row in rows),
        "shipworthy_version": ",".join(row.version for row in rows),
        "shipworthy_arm": ",".join(row.arm for row in rows),
        "receipts": ",".join(row.receipt for row in rows),
    }
    versions = sorted({row.version for row in rows})
    reply: dict[str, Any] = {"model_name": model, "model_version": ",".join(versions)}
    if ask.id:
        reply["id"] = ask.id
    return reply | {"parameters": parameters, "outputs": outputs}


def metadata(model: str, versions: Sequence[str], columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the model metadata: every feature is an input, -1 is the number of rows."""
    inputs = [{"name": name, "datatype": _DATATYPE[kind], "shape": [-1]} for name, kind in columns]
    outputs = [
        {"name": "decision", "datatype": "BYTES", "shape": [-1]},
        {"name": "score", "datatype": "FP64", "shape": [-1]},
    ]
    return {"name": model, "versions": list(versions), "platform": "shipworthy", "inputs": inputs, "outputs": outputs}


def _column(tensor: Tensor, raw: memoryview) -> tuple[list[Cell], memoryview]:
    """Return the cells of one input and the raw bytes that are left."""
    where = f"input {tensor.name!r}"
    n = tensor.shape[0] if tensor.shape else 0
    if not 1 <= n <= MAX_ROWS or tensor.shape[1:] not in ([], [1]):
        raise BadBody(f"shape {tensor.shape}", where, f"[n] or [n, 1] with n from 1 to {MAX_ROWS}")
    if tensor.datatype not in _RAW and tensor.datatype != "BYTES":
        raise BadBody(f"datatype {tensor.datatype!r}", where)
    size = tensor.parameters.get("binary_data_size")
    if size is not None:
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(raw) or tensor.data is not None:
            raise BadBody("binary_data_size does not fit the body", where)
        cells, raw = _unpacked(tensor.datatype, n, raw[:size], where), raw[size:]
    else:
        cells = [_typed(cell, tensor.datatype, where) for cell in _flat(tensor.data or [])]
    if len(cells) != n:
        raise BadBody(f"{len(cells)} values for shape {tensor.shape}", where)
    return cells, raw


def _flat(nested: list[Any]) -> list[Any]:
    return [cell[0] if isinstance(cell, list) and len(cell) == 1 else cell for cell in nested]


def _typed(cell: Any, datatype: str, where: str) -> Cell:  # noqa: ANN401 - checked here
    """Return the cell when it is of the declared datatype; null is a missing value of any."""
    right = (
        cell is None
        or (datatype == "BYTES" and isinstance(cell, str))
        or (datatype == "BOOL" and isinstance(cell, bool))
        or (datatype.startswith(("INT", "UINT")) and isinstance(cell, int) and not isinstance(cell, bool))
        or (datatype.startswith("FP") and isinstance(cell, int | float) and not isinstance(cell, bool))
    )
    if not right:
        raise BadBody(f"{cell!r} is not {datatype}", where)
    return cell  # type: ignore[no-any-return]


def _unpacked(datatype: str, n: int, raw: memoryview, where: str) -> list[Cell]:
    """Return the values of a raw tensor: little endian; BYTES are 4-byte lengths and text. NaN is a missing value."""
    try:
        if datatype == "BYTES":
            return _texts(raw)
        values = struct.unpack(f"<{n}{_RAW[datatype]}", raw)
    except (struct.error, UnicodeDecodeError) as error:
        raise BadBody(f"raw {datatype} cannot be read: {error}", where) from error
    if any(isinstance(value, float) and math.isinf(value) for value in values):
        raise BadBody("an infinite value", where)
    return [None if value != value else value for value in values]


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
