"""How surprising one cell is, feature by feature.

In: a column of the training rows. Out: its reference. Surprise of a cell = -log of the share of training rows that lie
in cells no denser than this one (the tail of the highest-density region: Hyndman, Am. Stat. 50 (1996) 120-126). Unlike
a plain -log density it means the same for every feature, so the worst of many can be taken.

Numbers with at most 64 distinct values get one cell per value, and nothing in between was seen. Others get 64
equal-mass cells, of which the outer two are cut further as far as rows allow, because surprise lives in the tails.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.rows import DeclaredFeature
from shipworthy.profile.shapes import CategoryReference, NumericReference

Floats = NDArray[np.float64]

CELLS = 64
_ROWS_PER_VALUE = 10
_TAILS = (1 / 128, 1 / 256, 1 / 512, 1 / 1024)
_ROWS_PER_TAIL = 8


def shortest(value: float) -> float:
    """Return the value at 10 significant digits: enough to compare, and the same on every machine."""
    return float(f"{value:.10g}")


def number_reference(feature: DeclaredFeature, column: Sequence[float | None]) -> NumericReference:
    """Return the reference of one numeric column; None marks an empty cell. A column never filled has no cells."""
    seen = np.array([value for value in column if value is not None], dtype=np.float64)
    edges, surprise, scale = _cells(seen, len(column))
    return NumericReference(
        name=feature.name,
        min=None if feature.min is None else float(feature.min),
        max=None if feature.max is None else float(feature.max),
        edges=tuple(float(edge) for edge in edges),
        surprise=tuple(shortest(value) for value in surprise),
        scale=shortest(scale),
        missing=_missing(len(column) - seen.size, len(column)),
    )


def category_reference(
    feature: DeclaredFeature, column: Sequence[str | None], places: Mapping[str, float]
) -> CategoryReference:
    """Return the reference of one category column, its dictionary in sorted order; None marks an empty cell."""
    counts = Counter(value for value in column if value is not None)
    values = tuple(sorted(counts))
    mass = np.array([counts[value] for value in values], dtype=np.float64)
    return CategoryReference(
        name=feature.name,
        values=values,
        surprise=tuple(shortest(value) for value in _surprise(mass, mass)),
        accepted=tuple(sorted(feature.accepted)),
        missing=_missing(len(column) - counts.total(), len(column)),
        places=dict(places),
    )


def _missing(empty: int, rows: int) -> float | None:
    return shortest(-math.log(empty / rows)) if empty else None


def _surprise(mass: Floats, density: Floats) -> Floats:
    """-log of the mass in cells no denser than each; empty cells get log(rows + 1), more than any seen one."""
    if mass.size == 0:
        return mass
    order = np.argsort(density, kind="stable")
    below = np.cumsum(mass[order])
    last = np.searchsorted(density[order], density, side="right") - 1
    tail = np.where(mass > 0, below[last], mass.sum() / (mass.sum() + 1.0))
    return np.asarray(np.maximum(0.0, -np.log(tail / mass.sum())), dtype=np.float64)


def _cells(seen: Floats, rows: int) -> tuple[Floats, Floats, float]:
    """(edges, surprise of the cells around them, scale). Of a column never filled, any number is a surprise."""
    if seen.size == 0:
        return np.empty(0), np.array([math.log(rows + 1.0)]), 1.0
    distinct, counts = np.unique(seen, return_counts=True)
    with np.errstate(over="ignore", invalid="ignore"):
        scale = float(seen.std())
    scale = scale if 0.0 < scale < math.inf else max(1.0, abs(float(distinct[0])))
    if distinct.size <= CELLS and seen.size >= _ROWS_PER_VALUE * distinct.size:
        return *_one_cell_per_value(distinct, counts.astype(np.float64)), scale
    return *_equal_mass(seen), scale


def _one_cell_per_value(distinct: Floats, counts: Floats) -> tuple[Floats, Floats]:
    edges = np.stack([distinct, np.nextafter(distinct, np.inf)], axis=1).ravel()
    mass = np.zeros(edges.size + 1)
    mass[1::2] = counts
    return edges, _surprise(mass, mass)


def _equal_mass(seen: Floats) -> tuple[Floats, Floats]:
    tails = [tail for tail in _TAILS if tail * seen.size >= _ROWS_PER_TAIL]
    shares = np.array(sorted({*np.linspace(0.0, 1.0, CELLS + 1), *tails, *(1.0 - tail for tail in tails)}))
    edges = np.unique(np.quantile(seen, shares, method="inverted_cdf"))
    least = (edges[-1] - edges[0]) / 1024.0 or 1.0
    edges = np.append(edges, edges[-1] + least)
    mass = np.bincount(np.searchsorted(edges, seen, side="right"), minlength=edges.size + 1).astype(np.float64)
    width = np.concatenate([[1.0], np.maximum(np.diff(edges), least), [1.0]])
    return edges, _surprise(mass, mass / width)
