"""How the numbers of a row go together: the covariance view's half of the reference.

In: the numeric columns of training, and those that texts and categories give. Out: a `CovarianceReference`: how to
standardise, how to whiten, and where the cells of training rows lie (`profile.centres`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.centres import how_many, means, settle, whitening
from shipworthy.profile.marginals import shortest
from shipworthy.profile.shapes import CovarianceReference

Floats = NDArray[np.float64]

MOST_ROWS = 20_000  # settled into cells; the mean and spread of every column are those of all rows
SEED = 0
_NONE = CovarianceReference(names=(), mean=(), scale=(), whitening=())


def covariance_reference(
    columns: Mapping[str, Sequence[float | None]], cells: int | None = None
) -> CovarianceReference:
    """Return the reference of columns of one length; those that never vary are left out.

    `cells`: how many cells to settle rows into; None finds out how many are worth having.
    """
    filled = {name: _filled(column) for name, column in columns.items()}
    names = tuple(name for name, column in filled.items() if _varies(column))
    if not names:
        return _NONE
    table = np.stack([filled[name] for name in names], axis=1)
    mean = np.array([shortest(value) for value in table.mean(axis=0)])
    scale = np.array([shortest(value) for value in table.std(axis=0)])
    standard = ((table - mean) / scale)[:: -(-len(table) // MOST_ROWS)]
    at = settle(standard, how_many(standard, SEED) if cells is None else cells, SEED)
    white = whitening(standard, at)
    centres = means(standard, at) @ white.T
    return CovarianceReference(
        names=names,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        whitening=_written(white),
        centres=_written(centres) if len(centres) > 1 else (),
    )


def _filled(column: Sequence[float | None]) -> Floats:
    """The column with its mean where cells are empty."""
    seen = [value for value in column if value is not None]
    mean = sum(seen) / len(seen) if seen else 0.0
    return np.array([mean if value is None else value for value in column], dtype=np.float64)


def _varies(column: Floats) -> bool:
    """True when the column can be standardised: squares of cells near the largest float have no mean."""
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(column.std()) if column.size else 0.0
    return bool(np.finfo(np.float64).tiny < spread < np.inf)


def _written(table: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(shortest(value) for value in row) for row in table.tolist())
