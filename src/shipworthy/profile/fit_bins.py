"""Fit the cells of a reference on the training rows.

In: columns, None for an empty cell. Out: `bins`, with the counts of the rows themselves. The same rows give the same
bytes.

The grid spans the middle 62 of 64 parts of a column, so that a long tail does not take all its cells; it is made finer,
up to 32,768 cells, until no single cell holds more than one row in 64.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from shipworthy.profile.binned import CategoryCells, JointCells, NumberCells, Weights, squared, weighted
from shipworthy.profile.bins import (
    MOST_BINS,
    MOST_CATEGORIES,
    OUTSIDE,
    PROJECTIONS,
    CategoryBins,
    InputBins,
    JointBins,
    NumberBins,
)
from shipworthy.profile.marginals import shortest
from shipworthy.profile.placing import grid_cell
from shipworthy.profile.shapes import CovarianceReference

Floats = NDArray[np.float64]

LEAST_CELLS, MOST_CELLS = 1024, 32_768
MOST_ATOMS_ALONE = 31  # a column of so few values has an atom for each
MOST_ATOMS = 8  # of a column of many values
_HEAVY = 1 / MOST_BINS
_DISTANCES, _STEPS = 32, 16
_SEED = 5
_LARGEST = np.finfo(np.float64).max


def fit_bins(
    numbers: Mapping[str, Sequence[float | None]],
    categories: Mapping[str, Sequence[str | None]],
    covariance: CovarianceReference | None = None,
    places: Mapping[str, Mapping[str, float]] | None = None,
) -> InputBins:
    """Return the cells of all columns, which have one length. Raises ValueError without a row.

    `places`: the numbers that stand for values of categories in the covariance (`profile.places`).
    """
    columns = {name: _array(column) for name, column in numbers.items()}
    lengths = {len(column) for column in (*columns.values(), *categories.values())}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"columns of one length from 1 are needed, got {sorted(lengths)}")
    return InputBins(
        n=lengths.pop(),
        numbers=tuple(fit_number(name, column) for name, column in columns.items()),
        categories=tuple(fit_category(name, column) for name, column in categories.items()),
        joint=_joint(columns, categories, covariance, places or {}),
    )


def fit_number(name: str, column: Floats) -> NumberBins:
    """Return the cells of one number; a column that is never filled has one bin, with nothing in it."""
    seen = np.sort(column[np.isfinite(column)])
    if seen.size == 0:
        seen = np.zeros(1)
    least, most = float(seen[0]), float(seen[-1])
    values, rows = np.unique(seen, return_counts=True)
    atoms = _atoms(values, rows)
    low, high = _span(seen, discrete=atoms.size == values.size)
    cells = LEAST_CELLS
    while cells < MOST_CELLS and not _fine_enough(seen, atoms, low, high, cells):
        cells *= 2
    grid = _grid(low, high, cells)
    kept = _one_a_cell(atoms, values, rows, grid)
    starts = _starts(seen, kept, grid)
    empty = NumberBins(
        name=name,
        per=grid.per,
        shift=grid.shift,
        cells=cells,
        starts=starts,
        atoms=tuple(float(one) for one in kept),
        least=least,
        most=most,
        counts=(0,) * (1 + len(starts) + 2 * len(kept) + len(OUTSIDE)),
    )
    return _counted(empty, column)


def fit_category(name: str, column: Sequence[str | None]) -> CategoryBins:
    """Return the cells of one category: commonest values first, equal ones in the order of the alphabet."""
    seen = Counter(value for value in column if value is not None)
    order = sorted(seen, key=lambda value: (-seen[value], value))
    values, known = tuple(order[:MOST_CATEGORIES]), tuple(sorted(order[MOST_CATEGORIES:]))
    empty = CategoryBins(name=name, values=values, known=known, counts=(0,) * (len(values) + 3))
    return replace(empty, counts=tuple(CategoryCells(empty).count(column).tolist()))


def placed(
    categories: Mapping[str, Sequence[str | None]], places: Mapping[str, Mapping[str, float]]
) -> dict[str, Floats]:
    """Return the columns of numbers that stand for categories; NaN for a value without a place."""
    return {
        name: np.array([at.get(word or "", np.nan) for word in categories[name]], dtype=np.float64)
        for name, at in places.items()
        if at
    }


def fit_joint(columns: Mapping[str, Floats], covariance: CovarianceReference) -> JointBins:
    """Return the cells of the distance and of eight projections, from the quantiles of the training rows."""
    white = whitened(columns, covariance)
    drawn = np.random.default_rng(_SEED).standard_normal((PROJECTIONS, white.shape[0]))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    directions = tuple(tuple(shortest(value) for value in row) for row in drawn.tolist())
    shown = weighted(white, directions)
    empty = JointBins(
        directions=directions,
        distance=_quantiles(squared(white), _DISTANCES),
        cuts=tuple(_quantiles(one, _STEPS) for one in shown),
        counts=(0,) * (_DISTANCES + PROJECTIONS * _STEPS),
    )
    counts = JointCells(empty).count(white)
    return replace(empty, counts=tuple(counts.tolist()))


class Whitening:
    """Turns columns into numbers that are uncorrelated in the reference. Holds no state between calls.

    Column by column, one operation at a time: a matrix product may round otherwise for another number of rows.
    """

    def __init__(self, covariance: CovarianceReference) -> None:
        self._names = covariance.names
        self._mean, self._scale = np.array(covariance.mean)[:, None], np.array(covariance.scale)[:, None]
        self._weights = Weights(covariance.whitening)

    def __call__(self, columns: Mapping[str, Floats]) -> Floats:
        """Return (d, rows) for columns by name; an empty cell is at its mean."""
        standard = np.stack([columns[name] for name in self._names])
        standard -= self._mean
        standard /= self._scale
        standard[np.isnan(standard)] = 0.0
        np.clip(standard, -_LARGEST, _LARGEST, out=standard)
        return self._weights(standard)


def whitened(columns: Mapping[str, Floats], covariance: CovarianceReference) -> Floats:
    """Return (d, rows) numbers that are uncorrelated in the reference, as `Whitening` makes them."""
    return Whitening(covariance)(columns)


def _joint(
    columns: Mapping[str, Floats],
    categories: Mapping[str, Sequence[str | None]],
    covariance: CovarianceReference | None,
    places: Mapping[str, Mapping[str, float]],
) -> JointBins | None:
    if covariance is None or not covariance.names:
        return None
    return fit_joint({**columns, **placed(categories, places)}, covariance)


def _counted(bins: NumberBins, column: Floats) -> NumberBins:
    counts = NumberCells(bins).count(np.where(np.isfinite(column), column, np.nan))
    return replace(bins, counts=tuple(counts.tolist()))


def _array(column: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)


def _quantiles(values: Floats, parts: int) -> tuple[float, ...]:
    """parts - 1 cuts at 10 digits, ascending; equal ones leave empty cells between them."""
    return tuple(shortest(cut) for cut in np.quantile(values, np.arange(1, parts) / parts).tolist())


def _atoms(values: Floats, rows: NDArray[np.intp]) -> Floats:
    """The values that stand alone: all of a few, else the heaviest of those with one row in 64."""
    if values.size <= MOST_ATOMS_ALONE:
        return values
    heavy = np.flatnonzero(rows >= _HEAVY * rows.sum())
    heaviest = heavy[np.argsort(-rows[heavy], kind="stable")][:MOST_ATOMS]
    return np.sort(values[heaviest])


def _span(seen: Floats, discrete: bool) -> tuple[float, float]:
    ends = (0.0, 1.0) if discrete else (_HEAVY, 1.0 - _HEAVY)
    low, high = (float(one) for one in np.quantile(seen, ends, method="inverted_cdf"))
    if low == high:
        low, high = float(seen[0]), float(seen[-1])
    width = high - low
    return (low, high) if width > 0.0 else (low, low + max(1.0, abs(low)))


class _Grid(NamedTuple):
    per: float
    shift: float
    cells: int


def _grid(low: float, high: float, cells: int) -> _Grid:
    """The grid whose first inner cell begins at `low`."""
    per = shortest(cells / (high - low))
    return _Grid(per, 1.0 - low * per, cells)


def _mass(rows: Floats, grid: _Grid) -> NDArray[np.intp]:
    """How many rows lie in each grid cell."""
    cell = np.clip(rows * grid.per + grid.shift, 0.0, grid.cells + 1.0).astype(np.intp)
    return np.bincount(cell, minlength=grid.cells + 2)


def _fine_enough(seen: Floats, atoms: Floats, low: float, high: float, cells: int) -> bool:
    grid = _grid(low, high, cells)
    at = {grid_cell(float(atom), *grid) for atom in atoms}
    if len(at) < atoms.size:
        return False
    inner = _mass(seen[~np.isin(seen, atoms)], grid)[1:-1]
    return bool(inner.max(initial=0) <= _HEAVY * seen.size)


def _one_a_cell(atoms: Floats, values: Floats, rows: NDArray[np.intp], grid: _Grid) -> list[float]:
    """Of atoms that share a cell of the finest grid, the heaviest."""
    weight = dict(zip(values.tolist(), rows.tolist(), strict=True))
    kept: dict[int, float] = {}
    for atom in sorted(atoms.tolist(), key=lambda one: (-weight[one], one)):
        kept.setdefault(grid_cell(atom, *grid), atom)
    return sorted(kept.values())


def _starts(seen: Floats, atoms: Sequence[float], grid: _Grid) -> tuple[int, ...]:
    """The grid cells that begin a bin: about equal mass between them, at most 64 bins in all."""
    mass = _mass(seen[~np.isin(seen, atoms)], grid)
    room = MOST_BINS - 2 * len(atoms) - 1
    below = np.concatenate([[0], np.cumsum(mass)[:-1]])  # rows below each cell
    targets = np.arange(1, room + 1) * mass.sum() / (room + 1)
    cut = np.searchsorted(below, targets, side="left")
    return tuple(sorted({int(one) for one in cut if 0 < one < grid.cells + 2}))
