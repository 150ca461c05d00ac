"""Find the labelled rows, and which of them the model was trained on: by files, by a column, or not at all.

In: the folder and the names of its files. Out: the datasets train, calibration and test, with their rows, and copies to
write where a table needs another column. Rows that nobody can vouch for are never taken for test rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import msgspec

from shipworthy.contract.files.root import Root
from shipworthy.contract.manifest import Dataset
from shipworthy.contract.problems import Findings
from shipworthy.contract.starter.columns import Row, guess_unit
from shipworthy.contract.starter.split import (
    CALIBRATION,
    COLUMN,
    COPY,
    TEST,
    TRAIN,
    Split,
    calibration_places,
    divided,
    guess_split,
)
from shipworthy.errors import UsageError
from shipworthy.models.table import read_rows

SUFFIXES = (".csv", ".csv.gz")
_NOT_DATA = frozenset({"cases", "keys", "tests", "docs"})


class Tables(msgspec.Struct, frozen=True):
    """Where rows are, and the datasets they make. `copies`: text by path; `drawn`: training rows were chosen here.

    `unit`: the column whose rows belong together, where there is one.
    """

    datasets: dict[str, Dataset]
    rows: dict[str, list[Row]]
    copies: dict[str, str]
    split_columns: tuple[str, ...]
    main: str
    drawn: bool = False
    unit: str | None = None


def find_tables(folder: Path, names: Sequence[str], data: str | None, split: bool, script: str | None) -> Tables:
    """Return the datasets. `data`: the table to take; `split`: divide rows that the script has yet to train on.

    Raises UsageError where no table is found or nothing says which rows the model was trained on.
    """
    main = _main_table(folder, names, data)
    pair = _pair(main, names)
    if pair is not None:
        return _paired(folder, *pair)
    rows = _read(folder, main)
    unit = guess_unit(rows)
    made = _divided(main, rows, unit, split, script)
    return msgspec.structs.replace(made, unit=unit)


def _divided(main: str, rows: list[Row], unit: str | None, split: bool, script: str | None) -> Tables:
    known = guess_split(rows)
    if known is not None:
        return _by_column(main, rows, known, unit)
    fix = "add a column split: train, calibration, test"
    if split and script is None:
        what = "it divides rows that a training script has yet to read, and none is here"
        raise UsageError(f"{what}: no split can be made up for rows the model may have seen", "--split", fix)
    if not split:
        if script is not None:
            fix += f"; or `shipworthy init --split` writes a copy with one, for {script} to read"
        what = "no column says which rows the model was trained on, and rows it has seen prove nothing about it"
        raise UsageError(what, main, fix)
    return msgspec.structs.replace(_copied(main, rows, divided(len(rows), _units(rows, unit)), ()), drawn=True)


def _by_column(main: str, rows: list[Row], split: Split, unit: str | None) -> Tables:
    groups = {TRAIN: split.train, CALIBRATION: split.calibration, TEST: split.test}
    roles = [next((role for role, word in groups.items() if row[split.column] == word), "") for row in rows]
    if split.calibration is None:
        return _copied(main, rows, _with_calibration(roles, _units(rows, unit)), (split.column,))
    datasets = {role: Dataset(path=main, where=f"{split.column} == {word!r}") for role, word in groups.items()}
    return Tables(datasets, _by_role(rows, roles), {}, (split.column,), main)


def tables_in(names: Sequence[str]) -> list[str]:
    """Return the files that may be a table of labelled rows."""
    found = [name for name in names if name.endswith(SUFFIXES) and name.partition("/")[0] not in _NOT_DATA]
    return [name for name in found if not name.endswith(COPY)]


def _main_table(folder: Path, names: Sequence[str], named: str | None) -> str:
    """Return the table: the one that was named, else the largest."""
    if named is not None:
        if named not in names or not named.endswith(SUFFIXES):
            raise UsageError(f"no table {named!r} in the repository", "--data", "give a .csv or .csv.gz file inside it")
        return named
    found = tables_in(names)
    if not found:
        raise UsageError("no table of labelled rows was found", "the data", "give --data FILE.csv")
    return max(found, key=lambda name: ((folder / name).stat().st_size, name))


def _pair(main: str, names: Sequence[str]) -> tuple[str, str, str | None] | None:
    """Return the tables train, test and, if there, calibration that lie side by side; None when they do not."""
    place, _, file = main.rpartition("/")
    if file.partition(".")[0].lower() not in ("train", "test", "calibration", "validation", "valid", "val"):
        return None
    beside = {name.rpartition("/")[2].partition(".")[0].lower(): name for name in names if name.endswith(SUFFIXES)
              and name.rpartition("/")[0] == place}  # fmt: skip
    calibration = next((beside[word] for word in ("calibration", "validation", "valid", "val") if word in beside), None)
    return (beside["train"], beside["test"], calibration) if {"train", "test"} <= set(beside) else None


def _paired(folder: Path, train: str, test: str, calibration: str | None) -> Tables:
    rows = {TRAIN: _read(folder, train), TEST: _read(folder, test)}
    unit = guess_unit([*rows[TRAIN], *rows[TEST]])
    if calibration is not None:
        rows[CALIBRATION] = _read(folder, calibration)
        datasets = {TRAIN: Dataset(path=train), CALIBRATION: Dataset(path=calibration), TEST: Dataset(path=test)}
        return Tables(datasets, rows, {}, (), train, unit=unit)
    roles = _with_calibration([TEST] * len(rows[TEST]), _units(rows[TEST], unit))
    made = _copied(test, rows[TEST], roles, ())
    datasets = {TRAIN: Dataset(path=train), **made.datasets}
    return Tables(datasets, {TRAIN: rows[TRAIN], **made.rows}, made.copies, made.split_columns, train, unit=unit)


def _units(rows: Sequence[Row], unit: str | None) -> list[object] | None:
    return None if unit is None else [row.get(unit) for row in rows]


def _with_calibration(roles: Sequence[str], units: Sequence[object] | None) -> list[str]:
    """Let a part of the test rows calibrate: rows that the model has not been trained on."""
    chosen = calibration_places([place for place, role in enumerate(roles) if role == TEST], units)
    return [CALIBRATION if place in chosen else role for place, role in enumerate(roles)]


def _copied(main: str, rows: list[Row], roles: Sequence[str], skip: tuple[str, ...]) -> Tables:
    """Make a copy of a table with a column that names each row's dataset."""
    path = f"{main.removesuffix('.gz').removesuffix('.csv')}{COPY}"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*rows[0], COLUMN])
    for row, role in zip(rows, roles, strict=True):
        writer.writerow([*("" if cell is None else cell for cell in row.values()), role])
    by_role = _by_role(rows, roles)
    datasets = {role: Dataset(path=path, where=f"{COLUMN} == {role!r}") for role in by_role}
    return Tables(datasets, by_role, {path: text.getvalue()}, (*skip, COLUMN), main)


def _by_role(rows: Sequence[Row], roles: Sequence[str]) -> dict[str, list[Row]]:
    made: dict[str, list[Row]] = {TRAIN: [], CALIBRATION: [], TEST: []}
    for row, role in zip(rows, roles, strict=True):
        if role:
            made[role].append(row)
    return {role: found for role, found in made.items() if found}


def _read(folder: Path, name: str) -> list[Row]:
    """Return the rows with every cell as it is spelled. Raises UsageError for a table without rows."""
    found = Findings(name)
    columns = Root(folder).columns(name, found)
    if columns is None:
        raise UsageError(found.problems[0].what, name, found.problems[0].fix)
    rows = read_rows(folder / name, text=frozenset(columns))
    if rows and tuple(rows[0]) != columns:
        raise UsageError("the header has blanks or a byte-order mark around names", name, "remove them")
    if not rows:
        raise UsageError("the table has no rows", name, "give --data FILE")
    return list(rows)
