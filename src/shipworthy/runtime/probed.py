"""Rows as the watch for probing sees them: one keyed 32-bit hash a feature, under numbers that never leave the process.

In: a release. Out: the watch over its callers, tuned on its calibration rows, None where probing cannot be told there.
A feature becomes a double (a text by Python's own keyed hash, cut to 52 bits), its bits are multiplied by a random odd
number, and the upper half of the product is kept (multiply-shift: Dietzfelbinger et al., J. Algorithms 25, 1997). That
is fast and no cipher: these hashes live in memory only, and a row is not worth more there than the row itself was.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from shipworthy.facts import seed_of
from shipworthy.models.spec import Cell, Columns, values_of
from shipworthy.observe.probing import Hashes, Probing, watch_of
from shipworthy.runtime.learned import dataset_rows
from shipworthy.runtime.releases import Loaded

MOST_ROWS = 1000
_EXACT = (1 << 52) - 1
Bits = npt.NDArray[np.uint64]


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
    numbers = np.array([_number(cell) for cell in values_of(row, columns)]) + 0.0  # -0.0 becomes 0.0
    return np.asarray((numbers.view(np.uint64) * salt.factor + salt.summand) >> np.uint64(32), np.uint32)


def probing_of(one: Loaded, salt: Salt) -> Probing | None:
    """Return the watch over the callers of a release."""
    features = one.contract.manifest.features
    rows = dataset_rows(one, "calibration")[:MOST_ROWS]
    table = np.array([hashed(row, one.release.columns, salt) for row in rows], np.uint32)
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
