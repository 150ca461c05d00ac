"""Rows from CSV (RFC 4180), as `DataFrame.to_csv` writes them.

In: UTF-8 text with a line of names, and the types of the features. Out: rows. A cell of a numeric feature is a number,
one of a bool feature true or false; every other cell is the text as it is written, so that `007` stays `007`. An empty
cell is a missing value, and `nan` is one of a number. A first column without a name is the frame's index: left out.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping

from shipworthy.deploy.body import BadBody, Cell
from shipworthy.deploy.tensors import MAX_ROWS

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOOLS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def read_csv(body: bytes, types: Mapping[str, str]) -> list[dict[str, Cell]]:
    """Return the rows. `types`: feature -> its type in the manifest. Raises BadBody with the line."""
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names = next(lines, [])
        rows = []
        for cells in lines:
            if len(cells) != len(names) and cells:
                raise BadBody(f"{len(cells)} cells for {len(names)} columns", f"line {lines.line_num}")
            if cells:
                rows.append(_row(names, cells, types, lines.line_num))
            if len(rows) > MAX_ROWS:
                raise BadBody(f"more than {MAX_ROWS} rows", "body", "send fewer at once")
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadBody(f"not CSV: {error}", "body") from error
    named = names[1:] if names[:1] == [""] else names
    if not named or "" in named or len(set(named)) != len(named):
        raise BadBody("columns must be named, each once", "line 1")
    if not rows:
        raise BadBody("no rows", "body")
    return rows


def _row(names: list[str], cells: list[str], types: Mapping[str, str], line: int) -> dict[str, Cell]:
    pairs = zip(names, cells, strict=True)
    return {name: _cell(cell, types.get(name, ""), f"line {line}: {name}") for name, cell in pairs if name}


def _cell(text: str, kind: str, where: str) -> Cell:
    if text == "":
        return None
    if kind == "bool":
        value = _BOOLS.get(text.lower())
        if value is None:
            raise BadBody(f"{text[:40]!r} is neither true nor false", where)
        return value
    return _number(text, kind, where) if kind in ("int", "float") else text


def _number(text: str, kind: str, where: str) -> Cell:
    if text.lower() == "nan":
        return None
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(number):
        raise BadBody(f"{text[:40]!r} is not a number", where)
    return int(number) if kind == "int" and number.is_integer() and abs(number) < 1 << 53 else number
