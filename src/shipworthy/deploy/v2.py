"""Open Inference Protocol V2, REST (kserve/open-inference-protocol, inference_rest.md), one column a tensor.

In: the JSON of an infer request, where needed followed by raw tensors (the binary extension of Triton: each raw input
says its `binary_data_size`, the header Inference-Header-Content-Length where the JSON ends). Out: rows; and back:
decisions and scores as output tensors, in JSON or raw as asked, the rest as parameters, comma-separated by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.deploy.body import BadBody, Cell, read_as
from shipworthy.deploy.tensors import datatype_of, packed_numbers, packed_texts, rows_in, rows_of, typed, unpacked

EXTENSIONS = ["binary_tensor_data"]
OUTPUTS = {"decision": "BYTES", "score": "FP64"}
_FOREIGN = ("shared_memory_region", "classification")


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
    posture: str


_asks = msgspec.json.Decoder(InferAsk)


def read_infer(body: bytes, json_length: int | None = None) -> tuple[InferAsk, list[dict[str, Cell]]]:
    """Return the request and its rows. `json_length`: where raw tensors begin. Raises BadBody."""
    cut = len(body) if json_length is None else json_length
    if not 0 <= cut <= len(body):
        raise BadBody("the inference header is longer than the body", "Inference-Header-Content-Length")
    ask: InferAsk = read_as(_asks, body[:cut])
    known_outputs([one.name for one in ask.outputs or ()])
    for one in (*ask.inputs, *(ask.outputs or ())):
        only_ours(one.name, one.parameters)
    raw = memoryview(body)[cut:]
    columns: list[list[Cell]] = []
    for tensor in ask.inputs:
        column, raw = _column(tensor, raw)
        columns.append(column)
    if len(raw):
        raise BadBody("inputs must use all raw bytes", "inputs")
    return ask, rows_of([tensor.name for tensor in ask.inputs], columns)


def known_outputs(names: Sequence[str]) -> None:
    """Raise BadBody for an output that nobody has, or one wanted twice."""
    unknown = [name for name in names if name not in OUTPUTS]
    if unknown or len(set(names)) != len(names):
        told = f"unknown output {unknown[0]!r}" if unknown else "an output is wanted twice"
        raise BadBody(told, "outputs", "decision or score")


def only_ours(name: str, parameters: Mapping[str, Any]) -> None:
    """Raise BadBody for a parameter that would change what a tensor means, and that we do not do."""
    foreign = next((one for one in _FOREIGN if one in parameters), None)
    if foreign is not None:
        raise BadBody(f"{foreign} is not done here", f"tensor {name!r}", "send and take plain tensors")


def infer_reply(model: str, ask: InferAsk, rows: Sequence[InferRow]) -> tuple[dict[str, Any], bytes]:
    """Return the response and the raw tensors that follow it: outputs `decision` and `score`, in the order wanted."""
    wanted = ask.outputs or [Wanted(name) for name in OUTPUTS]
    raw_by_default = ask.parameters.get("binary_data_output") is True
    outputs, raws = [], []
    for one in wanted:
        output, raw = _output(one, rows, raw_by_default)
        outputs.append(output)
        raws.append(raw)
    reply: dict[str, Any] = {"model_name": model, "model_version": versions_of(rows)}
    if ask.id:
        reply["id"] = ask.id
    return reply | {"parameters": parameters_of(rows), "outputs": outputs}, b"".join(raws)


def versions_of(rows: Sequence[InferRow]) -> str:
    """Return the versions that answered, sorted, comma-separated."""
    return ",".join(sorted({row.version for row in rows}))


def parameters_of(rows: Sequence[InferRow]) -> dict[str, str]:
    """Return what is told of each row beside its outputs, comma-separated in order of the rows."""
    return {
        "shipworthy_route": ",".join(row.route for row in rows),
        "shipworthy_version": ",".join(row.version for row in rows),
        "shipworthy_arm": ",".join(row.arm for row in rows),
        "shipworthy_posture": ",".join(row.posture for row in rows),
        "receipts": ",".join(row.receipt for row in rows),
    }


def metadata(model: str, versions: Sequence[str], columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the model metadata: every feature is an input, -1 is the number of rows."""
    inputs = [{"name": name, "datatype": datatype_of(kind), "shape": [-1]} for name, kind in columns]
    outputs = [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in OUTPUTS.items()]
    return {"name": model, "versions": list(versions), "platform": "shipworthy", "inputs": inputs, "outputs": outputs}


def _output(wanted: Wanted, rows: Sequence[InferRow], raw_by_default: bool) -> tuple[dict[str, Any], bytes]:
    output: dict[str, Any] = {"name": wanted.name, "shape": [len(rows)], "datatype": OUTPUTS[wanted.name]}
    data = [getattr(row, wanted.name) for row in rows]
    if wanted.parameters.get("binary_data", raw_by_default) is not True:
        return output | {"data": data}, b""
    raw = packed_texts(data) if wanted.name == "decision" else packed_numbers(data)
    return output | {"parameters": {"binary_data_size": len(raw)}}, raw


def _column(tensor: Tensor, raw: memoryview) -> tuple[list[Cell], memoryview]:
    """Return the cells of one input and the raw bytes that are left."""
    where = f"input {tensor.name!r}"
    n = rows_in(tensor.shape, tensor.datatype, where)
    size = tensor.parameters.get("binary_data_size")
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(raw) or tensor.data is not None:
            raise BadBody("binary_data_size does not fit the body", where)
        cells, raw = unpacked(raw[:size], n, tensor.datatype, where), raw[size:]
    else:
        cells = typed(_flat(tensor.data or []), tensor.datatype, where)
    if len(cells) != n:
        raise BadBody(f"{len(cells)} values for shape {tensor.shape}", where)
    return cells, raw


def _flat(nested: list[Any]) -> list[Any]:
    return [cell[0] if isinstance(cell, list) and len(cell) == 1 else cell for cell in nested]
