"""A server of the Open Inference Protocol V2 (KServe, Triton, MLServer, Seldon, another Shipworthy) as an upstream.

In: rows of values in model order. Out: `Scored`, strictly: one output tensor, floating, one score a row. Format:
open-inference-protocol, specification/protocol/inference_rest.md. A model of numbers alone is asked with one FP64
matrix `input-0`; one with texts with a column each, marked as a table in the way MLServer reads (`content_type: pd`).
A missing value is null: a server that cannot take it says so, and then nobody guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from shipworthy.deploy.http.upstream import Scored, UpstreamFailed, positive
from shipworthy.models.spec import Cell, Columns

_encode = msgspec.json.Encoder().encode
_TEXTS = frozenset({"category", "text"})
_FLOATS = frozenset({"FP16", "FP32", "FP64"})
MATRIX = "input-0"


class _Output(msgspec.Struct, frozen=True):
    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class _Body(msgspec.Struct, frozen=True):
    outputs: list[_Output]


_bodies = msgspec.json.Decoder(_Body)


class V2:
    """The dialect of one model on a V2 server. `path`: of the model, such as `/v2/models/m` or with `/versions/1`.

    `output`: the name of the score's tensor, "" when there is only one. `column`: which of several probabilities.
    `inputs`: `matrix` or `columns`; "" chooses by what the features are.
    """

    kind = "v2"
    health = "/v2/health/ready"

    def __init__(
        self, path: str, columns: Columns, output: str = "", column: int | None = None, inputs: str = ""
    ) -> None:
        self.path = f"{path}/infer"
        self._columns = columns
        self._matrix = inputs == "matrix" or (not inputs and not any(kind in _TEXTS for _, kind in columns))
        self._output, self._column = output, column

    def body(self, rows: Sequence[list[Cell]]) -> bytes:
        """Return the request for these rows."""
        asked: dict[str, Any] = {"inputs": self._as_matrix(rows) if self._matrix else self._as_columns(rows)}
        if not self._matrix:
            asked["parameters"] = {"content_type": "pd"}
        if self._output:
            asked["outputs"] = [{"name": self._output}]
        return _encode(asked)

    def scores(self, body: bytes, n: int) -> list[Scored]:
        """Return one score a row. Raises UpstreamFailed."""
        try:
            outputs = _bodies.decode(body).outputs
        except (msgspec.MsgspecError, RecursionError) as error:
            raise UpstreamFailed(f"body: {error}") from error
        found = [one for one in outputs if self._output in ("", one.name)]
        if len(found) != 1:
            names = ", ".join(one.name for one in outputs) or "none"
            raise UpstreamFailed(f"body: not one output {self._output!r} among: {names}"[:200])
        return [Scored(positive(row, self._column)) for row in _rows(found[0], n)]

    def _as_matrix(self, rows: Sequence[list[Cell]]) -> list[dict[str, Any]]:
        cells = [_number(cell) for row in rows for cell in row]
        return [{"name": MATRIX, "shape": [len(rows), len(self._columns)], "datatype": "FP64", "data": cells}]

    def _as_columns(self, rows: Sequence[list[Cell]]) -> list[dict[str, Any]]:
        return [
            _column(name, kind in _TEXTS, cells)
            for (name, kind), cells in zip(self._columns, zip(*rows, strict=True), strict=True)
        ]


def _column(name: str, text: bool, cells: Sequence[Cell]) -> dict[str, Any]:
    told = list(cells) if text else [_number(cell) for cell in cells]
    return {"name": name, "shape": [len(told), 1], "datatype": "BYTES" if text else "FP64", "data": told}


def _number(cell: Cell) -> Cell:
    return int(cell) if cell is True or cell is False else cell


def _rows(output: _Output, n: int) -> list[list[float]]:
    """Return the tensor as `n` rows: its shape is [n] or [n, k], its data flat or nested, all of it numbers."""
    if output.datatype not in _FLOATS:
        raise UpstreamFailed(f"score: {output.datatype[:16]} is no datatype of a score, a label perhaps")
    shape = output.shape
    if len(shape) not in (1, 2) or shape[0] != n or (len(shape) == 2 and shape[1] < 1):
        raise UpstreamFailed(f"body: shape {shape[:4]} is not {n} rows")
    width = shape[1] if len(shape) == 2 else 1
    flat: list[Any] = []
    for one in output.data:
        flat.extend(one) if isinstance(one, list) else flat.append(one)
    if len(flat) != n * width or not all(type(one) in (float, int) for one in flat):
        raise UpstreamFailed(f"body: the data are not {n * width} numbers")
    return [[float(one) for one in flat[i : i + width]] for i in range(0, len(flat), width)]
