"""Which rows the model was trained on, which calibrate, and which test it: told by a column, never assumed.

In: rows. Out: the words of a split column, or rows drawn by a hash of their place. Rows that a model has seen prove
nothing about it, so rows are only ever divided among those it has *not* been trained on, or before it is trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import msgspec

from shipworthy.contract.manifest_reader import FEATURE_NAME
from shipworthy.contract.starter.columns import Row

COLUMN = "shipworthy_split"  # of the copies that `init` writes
COPY = ".split.csv"  # how the name of such a copy ends
TRAIN, CALIBRATION, TEST = "train", "calibration", "test"
LEAST_TEST = 300  # what error_rate, auroc and decision_ece need at least
SHARES = (0.6, 0.2)  # train and calibration of rows nobody has used yet; the rest tests
_NAMES = (COLUMN, "split", "fold", "set", "partition", "subset")
_WORDS = {
    TRAIN: ("train", "training", "fit"),
    CALIBRATION: ("calibration", "calib", "cal", "validation", "valid", "val", "dev"),
    TEST: ("test", "testing", "holdout", "held_out", "heldout", "eval"),
}


class Split(msgspec.Struct, frozen=True):
    """A column and the value of it that each dataset has. `calibration` is None when no value stands for it."""

    column: str
    train: str
    test: str
    calibration: str | None


def guess_split(rows: Sequence[Row]) -> Split | None:
    """Return the split a column tells, None when no column names training and test rows."""
    columns = {column.lower(): column for column in (rows[0] if rows else ())}
    for name in _NAMES:
        column = columns.get(name)
        if column is None or not FEATURE_NAME.fullmatch(column):
            continue
        words = {value.lower(): value for row in rows if isinstance(value := row.get(column), str)}
        found = {role: next((words[word] for word in known if word in words), None) for role, known in _WORDS.items()}
        train, test = found[TRAIN], found[TEST]
        if train is not None and test is not None:
            return Split(column, train, test, found[CALIBRATION])
    return None


def source_names(copy: str) -> tuple[str, ...]:
    """Return the names that the table of a copy made by `init` can have; none for a table that is no such copy.

    >>> source_names("data/a.split.csv"), source_names("data/a.csv")
    (('data/a.csv', 'data/a.csv.gz'), ())
    """
    name = copy.removesuffix(COPY)
    return (f"{name}.csv", f"{name}.csv.gz") if copy.endswith(COPY) else ()


def read_copy(copy: str) -> str:
    """Return what a training script has to do with a copy."""
    return f"train on the rows of {copy} with {COLUMN} == {TRAIN!r}, and on no others"


def tells_split(columns: Collection[str]) -> bool:
    """True when a table has a column that may say which of its rows train."""
    return any(column.lower() in _NAMES for column in columns)


def drawn(places: Sequence[int], units: Sequence[object] | None = None) -> list[list[int]]:
    """Return the places in groups, in an order that depends on nothing but them: the same rows give the same split.

    Rows of one unit (`units[place]`) stay in one group: what is known of one of them is known of the others. Without
    units, and where a row has none, each row is a group of its own.
    """
    groups: dict[str, list[int]] = {}
    for place in places:
        unit = None if units is None else units[place]
        groups.setdefault(f"place {place}" if unit is None else f"unit {unit}", []).append(place)
    ordered = sorted(groups, key=lambda name: hashlib.sha256(f"shipworthy {name}".encode()).digest())
    return [groups[name] for name in ordered]


def calibration_places(test: Sequence[int], units: Sequence[object] | None = None) -> frozenset[int]:
    """Return the part of the test rows that will calibrate: half, or what 300 test rows leave over, else half."""
    half = len(test) // 2
    spare = len(test) - LEAST_TEST
    most = half if half >= LEAST_TEST or spare <= 0 else min(half, spare)
    chosen: list[int] = []
    for group in drawn(test, units):
        chosen += group if len(chosen) + len(group) <= most else []
    return frozenset(chosen)


def divided(n: int, units: Sequence[object] | None = None) -> list[str]:
    """Return the dataset of each of `n` rows that nothing has been trained on yet: 60 % train, 20 % calibration."""
    first, second = int(n * SHARES[0]), int(n * (SHARES[0] + SHARES[1]))
    named: dict[int, str] = {}
    for group in drawn(range(n), units):
        role = TRAIN if len(named) < first else CALIBRATION if len(named) < second else TEST
        named |= dict.fromkeys(group, role)
    return [named[place] for place in range(n)]
