"""Rows out of files that are no tables: `.jsonl` (a JSON object a line) and `.txt` (a text a line).

In: the lines and the path they came from. Out: rows as dictionaries. Of JSON, texts keep their spelling, an empty one
is None, and what is neither text, number nor truth is left out. A text stands in the column `text`. Empty lines are
none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.errors import ContractError
from shipworthy.models.spec import Cell

COLUMN = "text"
_objects = msgspec.json.Decoder(dict[str, Any])


def json_rows(lines: Iterable[str], path: Path) -> Iterator[dict[str, Cell]]:
    """Yield the rows of a `.jsonl` file. Raises ContractError with the number of a line that is no JSON object."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                told = _objects.decode(line)
            except msgspec.MsgspecError as error:
                fix = "write one JSON object a line"
                raise ContractError(f"not a JSON object: {error}", f"{path}:{number}", fix) from error
            yield {
                name: None if cell == "" else cell
                for name, cell in told.items()
                if cell is None or isinstance(cell, str | int | float)
            }


def text_rows(lines: Iterable[str]) -> Iterator[dict[str, Cell]]:
    """Yield the rows of a `.txt` file."""
    for line in lines:
        text = line.rstrip("\r\n")
        if text.strip():
            yield {COLUMN: text}
