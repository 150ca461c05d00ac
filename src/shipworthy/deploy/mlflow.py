"""Bodies of MLflow's scoring protocol (mlflow/pyfunc/scoring_server: `POST /invocations`), as JSON.

In: an object with exactly one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`, and maybe `params`.
Out: rows. Columns must be named: a bare matrix does not say whose rows they are. NaN, which pandas writes for an empty
cell, is a missing value; infinities, names given twice and numbers beyond 64 bits are refused. `params` belong to a
model's own `predict`; nothing here takes any, so they are read and have no effect, as in MLflow itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shipworthy.deploy.body import BadBody, Cell
from shipworthy.deploy.tensors import MAX_ROWS, rows_of

PARAMS = "params"
Rows = list[dict[str, Cell]]


def read_invocation(body: bytes) -> Rows:
    """Return the rows of a JSON body. Raises BadBody."""
    try:
        told = json.loads(body, object_pairs_hook=_once, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"not JSON: {error}", "body") from error
    if not isinstance(told, dict):
        raise BadBody("not an object", "body", _FORMATS)
    if not isinstance(told.pop(PARAMS, None), dict | None):
        raise BadBody("params is not an object", "body")
    if len(told) != 1 or next(iter(told)) not in _READERS:
        raise BadBody(f"members {sorted(told)}", "body", _FORMATS)
    ((kind, content),) = told.items()
    rows = _READERS[kind](content, kind)
    if not 1 <= len(rows) <= MAX_ROWS:
        raise BadBody(f"{len(rows)} rows", kind, f"1 to {MAX_ROWS}")
    return [{name: _cell(cell, f"{kind}: {name}") for name, cell in row.items()} for row in rows]


def _split(content: Any, where: str) -> list[dict[str, Any]]:  # noqa: ANN401 - checked here, and below
    if not isinstance(content, dict) or not {"columns", "data"} <= set(content) <= {"columns", "data", "index"}:
        raise BadBody("not columns and data", where, '{"columns": [...], "data": [[...], ...]}')
    names, data = content["columns"], content["data"]
    if not _is_names(names) or not isinstance(data, list):
        raise BadBody("columns are not names, each once", where)
    if not all(isinstance(row, list) and len(row) == len(names) for row in data):
        raise BadBody("a row is not as long as the columns", where)
    return [dict(zip(names, row, strict=True)) for row in data]


def _records(content: Any, where: str) -> list[dict[str, Any]]:  # noqa: ANN401
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise BadBody("rows do not name their columns", where, '[{"column": value, ...}, ...]')
    return content


def _inputs(content: Any, where: str) -> list[dict[str, Any]]:  # noqa: ANN401
    """Records, or columns by name."""
    if not isinstance(content, dict):
        return _records(content, where)
    if not all(isinstance(column, list) for column in content.values()):
        raise BadBody("a column is not a list", where, '{"column": [value, ...], ...}')
    return rows_of(list(content), [[_flat(cell) for cell in column] for column in content.values()])


_READERS: Mapping[str, Callable[[Any, str], list[dict[str, Any]]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _inputs,
    "inputs": _inputs,
}
_FORMATS = f"exactly one of {', '.join(_READERS)}, and maybe {PARAMS}"


def _is_names(names: Any) -> bool:  # noqa: ANN401
    return (
        isinstance(names, list) and all(isinstance(name, str) for name in names) and 0 < len(names) == len(set(names))
    )


def _flat(cell: Any) -> Any:  # noqa: ANN401
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


def _cell(cell: Any, where: str) -> Cell:  # noqa: ANN401
    if cell is None or isinstance(cell, str | bool):
        return cell
    if isinstance(cell, int) and -(1 << 63) <= cell < 1 << 64:
        return cell
    if isinstance(cell, float) and not math.isinf(cell):
        return None if math.isnan(cell) else cell
    raise BadBody(f"{str(cell)[:40]} is no value of a cell", where, "a finite number, a text, true, false or null")


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise BadBody(f"{name!r} is given twice", "body", "name every member once")
        read[name] = value
    return read


def _constant(text: str) -> float | None:
    """NaN is how pandas spells an empty cell in JSON; an infinity is nobody's."""
    if text == "NaN":
        return None
    raise BadBody(f"{text} is not a number", "body", "leave the value out or send null")
