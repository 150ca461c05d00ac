"""The cells a trigger could live in: values, tails, bins and pairs of values of a table.

In: rows as columns of codes. Out: per cell its rows and sums, all by counting, so that some thousand cells of some
thousand rows cost a tenth of a second. A cell is named so that a person can look it up in the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from shipworthy.contract.manifest import Feature
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, as_category, as_number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_ROWS = 8
QUANTILE_BINS = 32
FAR = 8.0  # median absolute deviations
MOST_VALUES = 128  # more distinct values than this: a continuous column, in bins and repeated exact values
MISSING = "missing"


@dataclass(frozen=True)
class Column:
    """One way to cut a feature: a code per row (-1 = in no cell) and the name of each code."""

    feature: str
    codes: Ints
    names: tuple[str, ...]
    pairs: bool


@dataclass(frozen=True)
class Sums:
    """Per cell: name, rows, labels, expected labels, variance of the expectation."""

    names: tuple[str, ...]
    n: Floats
    sum_y: Floats
    sum_p: Floats
    sum_pq: Floats


def columns_of(features: Sequence[Feature], rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the cuts of every feature but texts, whose cells are their words. Discrete columns also make pairs."""
    made: list[Column] = []
    for feature in features:
        if feature.type == TEXT:
            continue
        if feature.type == CATEGORY:
            texts = [as_category(row.get(feature.name)) or MISSING for row in rows]
            made.append(_by_name(feature.name, texts, True))
            continue
        column = np.array([_number(row, feature.name) for row in rows])
        distinct = np.unique(column[~np.isnan(column)])
        texts = [MISSING if np.isnan(value) else spelled(value) for value in column]
        made.append(_by_name(feature.name, texts, distinct.size <= MOST_VALUES))
        if distinct.size > MOST_VALUES:
            made += _continuous(feature.name, column)
    return tuple(made)


def single_sums(column: Column, y: Floats, p: Floats) -> Sums:
    """Return the sums of each cell of one column."""
    return _sums(column.names, column.codes, len(column.names), y, p)


def pair_sums(one: Column, other: Column, y: Floats, p: Floats) -> Sums:
    """Return the sums of each pair of cells that occurs."""
    width = len(other.names)
    codes = np.where((one.codes < 0) | (other.codes < 0), -1, one.codes * width + other.codes)
    met, places = np.unique(codes, return_inverse=True)
    names = tuple(f"{one.names[code // width]} & {other.names[code % width]}" if code >= 0 else "" for code in met)
    return _sums(names, np.where(codes < 0, -1, places), len(names), y, p)


def all_sums(columns: Sequence[Column], y: Floats, p: Floats) -> Sums:
    """Return every cell with at least 8 rows: of each column, and of each pair of discrete columns."""
    parts = [single_sums(column, y, p) for column in columns]
    discrete = [column for column in columns if column.pairs]
    parts += [pair_sums(a, b, y, p) for a, b in combinations(discrete, 2) if a.feature != b.feature]
    names = tuple(name for part in parts for name in part.names)
    n, sum_y, sum_p, sum_pq = (
        np.concatenate([getattr(part, key) for part in parts]) for key in ("n", "sum_y", "sum_p", "sum_pq")
    )
    kept = n >= LEAST_ROWS
    return Sums(
        tuple(name for name, keep in zip(names, kept, strict=True) if keep),
        n[kept],
        sum_y[kept],
        sum_p[kept],
        sum_pq[kept],
    )


def _sums(names: tuple[str, ...], codes: Ints, size: int, y: Floats, p: Floats) -> Sums:
    inside = codes >= 0
    weights = (np.ones_like(y), y, p, p * (1.0 - p))
    n, sum_y, sum_p, sum_pq = (
        np.bincount(codes[inside], weights=column[inside], minlength=size).astype(np.float64) for column in weights
    )
    return Sums(names, n, sum_y, sum_p, sum_pq)


def spelled(number: float) -> str:
    """Return how a number is written in the name of its cell."""
    return f"{number:.10g}"


def _by_name(feature: str, texts: Sequence[str], pairs: bool) -> Column:
    names, codes = np.unique(np.array(texts), return_inverse=True)
    return Column(feature, codes.astype(np.int64), tuple(f"{feature}={name}" for name in names), pairs)


def _continuous(feature: str, column: Floats) -> list[Column]:
    """32 quantile bins, and the far tails on both sides."""
    seen = column[~np.isnan(column)]
    edges = np.unique(np.quantile(seen, np.linspace(0.0, 1.0, QUANTILE_BINS + 1)))
    codes = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, max(edges.size - 2, 0))
    names = tuple(f"{feature} in [{low:g}, {high:g}]" for low, high in pairwise(edges))
    middle = float(np.median(seen))
    spread = float(np.median(np.abs(seen - middle))) or float(seen.std()) or 1.0
    far = np.where(column > middle + FAR * spread, 1, np.where(column < middle - FAR * spread, 0, -1))
    return [
        Column(feature, np.where(np.isnan(column), -1, codes), names, False),
        Column(feature, far.astype(np.int64), (f"{feature} far below", f"{feature} far above"), False),
    ]


def _number(row: Row, name: str) -> float:
    number = as_number(row.get(name))
    return float("nan") if number is None else number
