"""Rows as the watch for probing sees them: one keyed 32-bit hash a feature, under numbers that never leave the process.

In: a release. Out: the watch over its callers, tuned on its calibration rows, None where probing cannot be told there.
A feature becomes a double (a text by Python's own keyed hash, cut to 52 bits), its bits are multiplied by a random odd
number, and the upper half of the product is kept (multiply-shift: Dietzfelbinger et al., J. Algorithms 25, 1997). That
is fast and no cipher: these hashes live in memory only, and a row is not worth more there than the row itself was.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from shipworthy.facts import seed_of
from shipworthy.facts.texts import TEXT
from shipworthy.models.spec import Cell, Columns, values_of
from shipworthy.observe.probing import Hashes, Probing, watch_of
from shipworthy.profile.reading import cells_of, columns_of
from shipworthy.profile.rows import CATEGORY
from shipworthy.runtime.learned import dataset_rows
from shipworthy.runtime.releases import Loaded

MOST_ROWS = 1000
FEW = 4  # rows that are sooner read one by one
_EXACT = (1 << 52) - 1
Floats = npt.NDArray[np.float64]
_NUMBERS = frozenset({float, int, bool, type(None)})
_WORDS = frozenset({str, type(None)})


class Salt(NamedTuple):
    """The key of the hashes: an odd factor and a summand, 64 bits each."""

    factor: np.uint64
    summand: np.uint64

    @classmethod
    def new(cls) -> Self:
        """Return a random one."""
        return cls(np.uint64(secrets.randbits(64) | 1), np.uint64(secrets.randbits(64)))


def hashed(row: Mapping[str, Cell], columns: Columns, salt: Salt) -> Hashes:
    """Return one hash a feature, in model order. Equal numbers are equal, however they are spelled."""
    hashes: Hashes = hashed_rows([row], columns, salt)[0]
    return hashes


def hashed_rows(rows: Sequence[Mapping[str, Cell]], columns: Columns, salt: Salt) -> Hashes:
    """Return uint32[rows, features]: the same of many rows."""
    told = _one_by_one(rows, columns) if len(rows) < FEW else _by_column(rows, columns)
    told += 0.0  # -0.0 becomes 0.0
    hashes: Hashes = ((told.view(np.uint64) * salt.factor + salt.summand) >> np.uint64(32)).astype(np.uint32)
    return hashes


def _by_column(rows: Sequence[Mapping[str, Cell]], columns: Columns) -> Floats:
    told = np.empty((len(rows), len(columns)))
    numbers = [at for at, (_, kind) in enumerate(columns) if kind not in (CATEGORY, TEXT)]
    told[:, numbers] = _numbers(rows, tuple(columns[at] for at in numbers))
    words = [at for at, (_, kind) in enumerate(columns) if kind in (CATEGORY, TEXT)]
    for at, cells in zip(words, columns_of(rows, [columns[at][0] for at in words]), strict=True):
        told[:, at] = _words(cells, columns[at])
    return told


def _numbers(rows: Sequence[Mapping[str, Cell]], columns: Columns) -> Floats:
    """Return float64[rows, columns]; all at once where the cells are plain numbers."""
    cells = list(chain.from_iterable(cells_of(rows, [name for name, _ in columns])))
    if not _NUMBERS.issuperset(map(type, cells)):
        return _one_by_one(rows, columns)
    try:
        return np.array(cells, np.float64).reshape(len(rows), len(columns))
    except OverflowError:
        return _one_by_one(rows, columns)


def _words(cells: Sequence[Cell], column: tuple[str, str]) -> Floats:
    name, kind = column
    if kind == TEXT or not _WORDS.issuperset(map(type, cells)):
        return _one_by_one([{name: cell} for cell in cells], (column,))[:, 0]
    codes = np.fromiter(map(hash, cells), np.int64, len(cells)) & _EXACT
    empty = [at for at, cell in enumerate(cells) if not cell]
    told = codes.astype(np.float64)
    told[empty] = math.nan
    return told


def _one_by_one(rows: Sequence[Mapping[str, Cell]], columns: Columns) -> Floats:
    told = [[_number(cell) for cell in values_of(row, columns)] for row in rows]
    return np.array(told, np.float64).reshape(len(rows), len(columns))


def probing_of(one: Loaded, salt: Salt) -> Probing | None:
    """Return the watch over the callers of a release."""
    features = one.contract.manifest.features
    rows = dataset_rows(one, "calibration")[:MOST_ROWS]
    table = hashed_rows(rows, one.release.columns, salt)
    rng = np.random.default_rng(seed_of(one.contract.manifest.model, one.version, "probing"))
    watch = watch_of(table, [feature.mutable != "no" for feature in features], rng)
    return Probing(watch) if watch is not None else None


def _number(cell: Cell) -> float:
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        return float(hash(cell) & _EXACT)
    try:
        return float(cell)
    except OverflowError:
        return math.inf
