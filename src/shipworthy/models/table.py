"""Rows out of files: CSV, and what `lines.py` reads.

In: a `.csv`, `.csv.gz`, `.jsonl` or `.txt` path and a filter in the language of `expr.py`. Out: rows as dictionaries:
of CSV an empty cell is None, a cell that spells a finite number is that number, anything else stays text.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from shipworthy.errors import ContractError
from shipworthy.expr import ExprError, Expression, compile_expr
from shipworthy.models.lines import json_rows, text_rows
from shipworthy.models.spec import Cell, Columns, Row, values_of

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_PLAIN_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MEMO_LIMIT = 200_000


def read_rows(path: Path | str, where: str = "true", text: frozenset[str] = frozenset()) -> list[dict[str, Cell]]:
    """Return the rows for which `where` is true. Columns named in `text` keep their spelling (`007`, `1.0` stay text).

    Raises ContractError for a file that cannot be read, a header with a name twice, a ragged line or a bad filter.
    """
    path = Path(path)
    keep = _filter(where, path)
    try:
        with _open(path) as lines:
            return [row for row in _read(lines, path, text) if keep is None or keep(row) is True]
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise ContractError(
            f"cannot be read: {error}", str(path), "give a UTF-8 .csv, .csv.gz, .jsonl or .txt file"
        ) from error


def matrix(rows: Iterable[Row], columns: Columns) -> list[list[Cell]]:
    """Return the rows' values in model order, ready for `client.score_rows`."""
    return [values_of(row, columns) for row in rows]


def parse_cell(cell: str) -> Cell:
    """Return None, a number or text.

    >>> parse_cell(""), parse_cell("12"), parse_cell("1.5"), parse_cell("P02"), parse_cell("nan")
    (None, 12, 1.5, 'P02', 'nan')
    """
    if cell == "":
        return None
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _NUMBER.fullmatch(cell):
        number = float(cell)
        return number if math.isfinite(number) else cell
    return cell


def _filter(where: str, path: Path) -> Expression | None:
    if where.strip() == "true":
        return None
    try:
        return compile_expr(where)
    except ExprError as error:
        raise ContractError(f"where: {error}", str(path), "write a comparison over the columns") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _read(lines: TextIO, path: Path, text: frozenset[str]) -> Iterator[dict[str, Cell]]:
    if path.suffix == ".jsonl":
        return json_rows(lines, path)
    return text_rows(lines) if path.suffix == ".txt" else _rows(lines, path, text)


def _rows(lines: TextIO, path: Path, text: frozenset[str]) -> Iterator[dict[str, Cell]]:
    reader = csv.reader(lines, strict=True)
    header = next(reader, None)
    if not header or len(set(header)) != len(header):
        raise ContractError("the header is missing or names a column twice", f"{path}:1", "name every column once")
    memo: dict[str, Cell] = {}
    spelled = [name in text for name in header]
    for cells in reader:
        if len(cells) != len(header):
            what = f"{len(cells)} cells under a header of {len(header)}"
            raise ContractError(what, f"{path}:{reader.line_num}", "give every line one cell for each column")
        yield {
            name: spelled_cell(cell) if plain else _parsed(cell, memo)
            for name, plain, cell in zip(header, spelled, cells, strict=True)
        }


def spelled_cell(cell: str) -> Cell:
    """Return a cell of a text column: whole numbers in their one plain spelling are numbers, all else stays text.

    So a column means the same to a version that takes it as a category and to one that does not.

    >>> spelled_cell("2002"), spelled_cell("007"), spelled_cell("1.0"), spelled_cell("")
    (2002, '007', '1.0', None)
    """
    return int(cell) if _PLAIN_INTEGER.fullmatch(cell) else cell or None


def _parsed(cell: str, memo: dict[str, Cell]) -> Cell:
    """Parse through a memo: most cells of a table repeat."""
    if cell in memo:
        return memo[cell]
    value = parse_cell(cell)
    if len(memo) < _MEMO_LIMIT:
        memo[cell] = value
    return value
