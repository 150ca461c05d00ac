"""The files of a log, in chunks: CSV, JSON lines, Parquet; and frames that another library holds in memory.

In: paths, folders or globs, or a frame. Out: chunks of columns, never a whole file. Parquet needs pyarrow, the extra
`logs`; it is loaded when the first Parquet file or frame is opened. A line that cannot be read is counted and told.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from shipworthy.errors import ContractError, UsageError
from shipworthy.flows.monitor.columns import Arrowed, Column, Spelled, Valued
from shipworthy.models.lines import json_rows

CSV, LINES, PARQUET = (".csv", ".csv.gz", ".tsv"), (".jsonl", ".ndjson"), (".parquet", ".pq")
KINDS = (*CSV, *LINES, *PARQUET)
ROWS = 131_072  # of a chunk: sums of fixed-point scores stay exact in a double
ROWS_OF_TEXT = 32_768
RAGGED = "lines with too few or too many cells, or broken quotes"


@dataclass(slots=True)
class Chunk:
    """Some rows: the columns that are there. `left_out`: lines before or among them that could not be read, by what
    was wrong, with the first place."""

    n: int
    columns: Mapping[str, Column]
    left_out: dict[str, tuple[int, str]] = field(default_factory=dict)


def found(logs: Iterable[str | Path]) -> tuple[Path, ...]:
    """Return the files that paths, folders and globs name, each once, sorted. Raises UsageError when one names none."""
    files: dict[Path, None] = {}
    for one in logs:
        path = Path(one)
        if path.is_dir():
            here = sorted(each for each in path.rglob("*") if each.is_file() and each.name.endswith(KINDS))
        else:
            here = [path] if path.is_file() else sorted(map(Path, glob.glob(str(one), recursive=True)))
        if not here:
            raise UsageError("no log", str(one), f"name files that end in {', '.join(KINDS)}")
        files.update(dict.fromkeys(here))
    wrong = next((path for path in files if not path.name.endswith(KINDS)), None)
    if wrong is not None:
        raise UsageError("not a log", str(wrong), f"name files that end in {', '.join(KINDS)}")
    return tuple(files)


def header(path: Path) -> tuple[str, ...]:
    """Return the names of a file's columns; of JSON lines those of its first thousand rows."""
    if path.name.endswith(PARQUET):
        return tuple(_parquet(path).schema_arrow.names)
    try:
        with _open(path) as lines:
            if path.name.endswith(LINES):
                return tuple(dict.fromkeys(name for row in islice(json_rows(lines, path), 1000) for name in row))
            return tuple(_header(_reader(lines, path), path))
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise _unreadable(path, error) from error


def rows_in(path: Path) -> int:
    """Return how many rows of a file can be read, without parsing a cell."""
    if path.name.endswith(PARQUET):
        return int(_parquet(path).metadata.num_rows)
    return sum(chunk.n for chunk in chunks(path, (), frozenset()))


def chunks(path: Path, names: Collection[str], text: frozenset[str], rows: int = ROWS) -> Iterator[Chunk]:
    """Yield a file in chunks, of the columns that are asked for and there. `text`: columns that keep their spelling.

    Raises ContractError for a file that cannot be read at all, UsageError where pyarrow is needed and absent.
    """
    if path.name.endswith(PARQUET):
        yield from _from_parquet(path, names, rows)
        return
    try:
        with _open(path) as lines:
            make = _from_lines if path.name.endswith(LINES) else _from_csv
            yield from make(lines, path, names, text, min(rows, ROWS_OF_TEXT))
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise _unreadable(path, error) from error


def frame_chunks(frame: Any, names: Collection[str] | None = None) -> Iterator[Chunk]:  # noqa: ANN401
    """Yield a frame in chunks: one with `__arrow_c_stream__` (pandas, Polars, Arrow), else a mapping of columns."""
    if hasattr(frame, "__arrow_c_stream__"):
        arrow = pyarrow()
        for batch in arrow.RecordBatchReader.from_stream(frame):
            for start in range(0, batch.num_rows, ROWS):
                yield _batch(batch.slice(start, ROWS), names, arrow)
        return
    columns = {str(name): list(frame[name]) for name in frame if names is None or str(name) in names}
    n = max(map(len, columns.values()), default=0)
    if any(len(column) != n for column in columns.values()):
        raise UsageError("its columns have different lengths", "frame")
    for start in range(0, n, ROWS):
        part = {name: Valued(column[start : start + ROWS]) for name, column in columns.items()}
        yield Chunk(min(ROWS, n - start), part)


def pyarrow() -> Any:  # noqa: ANN401
    """Return the module. Raises UsageError where it is not installed."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError as problem:
        raise UsageError("pyarrow is not installed", "logs", "pip install 'shipworthy[logs]', or give CSV") from problem
    return arrow


def _parquet(path: Path) -> Any:  # noqa: ANN401
    arrow = pyarrow()
    try:
        file = arrow.parquet.ParquetFile(path)
        words = [
            name for name, kind in zip(file.schema_arrow.names, file.schema_arrow.types, strict=True)
            if arrow.types.is_string(kind) or arrow.types.is_large_string(kind)
        ]  # fmt: skip
        return arrow.parquet.ParquetFile(path, read_dictionary=words)
    except (OSError, arrow.ArrowException) as error:
        raise _unreadable(path, error) from error


def _from_parquet(path: Path, names: Collection[str], rows: int) -> Iterator[Chunk]:
    file, arrow = _parquet(path), pyarrow()
    here = [name for name in file.schema_arrow.names if name in names]
    try:
        for batch in file.iter_batches(batch_size=rows, columns=here):
            yield _batch(batch, None, arrow)
    except (OSError, arrow.ArrowException) as error:
        raise _unreadable(path, error) from error


def _batch(batch: Any, names: Collection[str] | None, arrow: Any) -> Chunk:  # noqa: ANN401
    here = zip(batch.schema.names, batch.columns, strict=True)
    columns = {name: Arrowed(column, arrow) for name, column in here if names is None or name in names}
    return Chunk(batch.num_rows, columns)


def _from_csv(lines: TextIO, path: Path, names: Collection[str], text: frozenset[str], rows: int) -> Iterator[Chunk]:
    reader = _reader(lines, path)
    head = _header(reader, path)
    ended = False
    while not ended:
        kept: list[list[str]] = []
        wrong, first = 0, ""
        while len(kept) < rows and not ended:
            cells: list[str] | None
            try:
                cells = next(reader)
            except StopIteration:
                cells = None
            except csv.Error:
                cells = []
            if cells is None:
                ended = True
            elif len(cells) == len(head):
                kept.append(cells)
            else:
                wrong, first = wrong + 1, first or f"{path}:{reader.line_num}"
        columns = list(zip(*kept, strict=True)) if kept else [()] * len(head)
        told = {
            name: Spelled(column, name in text) for name, column in zip(head, columns, strict=True) if name in names
        }
        if kept or wrong:
            yield Chunk(len(kept), told, {RAGGED: (wrong, first)} if wrong else {})


def _from_lines(lines: TextIO, path: Path, names: Collection[str], text: frozenset[str], rows: int) -> Iterator[Chunk]:
    source = json_rows(lines, path)
    while part := list(islice(source, rows)):
        here = [name for name in dict.fromkeys(name for row in part for name in row) if name in names]
        yield Chunk(len(part), {name: Valued([row.get(name) for row in part]) for name in here})


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _reader(lines: TextIO, path: Path) -> Any:  # noqa: ANN401 - the type of csv readers has no name
    return csv.reader(lines, strict=True, delimiter="\t" if path.name.endswith(".tsv") else ",")


def _header(reader: Any, path: Path) -> list[str]:  # noqa: ANN401
    head = next(reader, None)
    if not head or len(set(head)) != len(head):
        raise ContractError("the header is missing or names a column twice", f"{path}:1", "name every column once")
    return list(head)


def _unreadable(path: Path, error: Exception) -> ContractError:
    told = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ContractError(f"cannot be read: {told}", str(path), "give a UTF-8 CSV, JSON lines or a Parquet file")
