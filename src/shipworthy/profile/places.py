"""Where the values of a category lie among the other columns: one number for each, so that categories have distances.

In: the columns of training. Out: per category a place for each of its common values: of all ways to write one number
for each value, the one whose squared correlations with the other columns (numbers, and 0/1 columns of the other
categories' values) add up to most. A category's own codes are arbitrary; placed so, a value that does not go with the
rest of its row lies far out, at the cost of one number.

Rare values, which fewer than a hundredth of the rows or fewer than ten hold, have no place: they are for the marginal
view. Source: optimal scaling, de Leeuw & Mair, J. Stat. Softw. 31 (2009); with one other category it is close to the
first axis of correspondence analysis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.marginals import shortest

Floats = NDArray[np.float64]
Numbers = Sequence[float | None]
Words = Sequence[str | None]

MOST_ROWS = 20_000
MOST_VALUES = 32
LEAST_ROWS = 10
LEAST_SHARE = 0.01
_NOTHING = 1e-9


def places(numbers: Mapping[str, Numbers], categories: Mapping[str, Words]) -> dict[str, dict[str, float]]:
    """Return the places of the common values by category; none for a category that has nothing to be compared with."""
    categories = {name: _thinned(column) for name, column in categories.items()}
    commons = {name: _common(column) for name, column in categories.items()}
    blocks = [_standard(_thinned(column)) for column in numbers.values()]
    sizes = [sum(block.shape[1] for block in blocks)]
    for name, column in categories.items():
        blocks.append(_standard_indicators(column, commons[name]))
        sizes.append(blocks[-1].shape[1])
    if not categories or sum(sizes) == 0:
        return {}
    table = np.concatenate([block for block in blocks if block.shape[1]], axis=1)
    related = table.T @ table / len(table)
    ends = np.cumsum(sizes)
    made = {}
    for at, (name, column) in enumerate(categories.items(), start=1):
        own = np.arange(ends[at - 1], ends[at])
        made[name] = _axis(related, own, commons[name], column)
    return {name: found for name, found in made.items() if found}


def _axis(related: Floats, own: NDArray[np.int64], values: Sequence[str], column: Words) -> dict[str, float]:
    """The first axis of the values' means in the other columns, weighted by their shares."""
    others = np.setdiff1d(np.arange(len(related)), own)
    if not len(own) or not len(others):
        return {}
    counts = Counter(column)
    share = np.array([counts[value] for value in values]) / len(column)
    axes, strength, _ = np.linalg.svd(np.sqrt(1.0 - share)[:, None] * related[np.ix_(own, others)])
    if strength[0] < _NOTHING:
        return {}
    place = axes[:, 0] / np.sqrt(share)
    first = place[np.flatnonzero(np.abs(place) > 0.1 * np.abs(place).max())[0]]  # an axis has no sign of its own
    return {value: shortest(float(at)) for value, at in zip(values, place * np.sign(first), strict=True)}


def _common(column: Words) -> list[str]:
    """The values with a place, in sorted order; none when there is no other value to tell them from."""
    counts = Counter(value for value in column if value is not None)
    least = max(LEAST_ROWS, LEAST_SHARE * len(column))
    kept = [value for value, n in sorted(counts.items(), key=lambda one: (-one[1], one[0])) if least <= n < len(column)]
    return sorted(kept[:MOST_VALUES])


def _standard(column: Numbers) -> Floats:
    seen = np.array([np.nan if value is None else value for value in column], dtype=np.float64)
    return _scaled(seen[:, None])


def _standard_indicators(column: Words, values: Sequence[str]) -> Floats:
    at = {value: place for place, value in enumerate(values)}
    made = np.zeros((len(column), len(values)))
    for row, value in enumerate(column):
        place = None if value is None else at.get(value)
        if place is not None:
            made[row, place] = 1.0
    return _scaled(made)


def _scaled(table: Floats) -> Floats:
    """Columns with mean 0 and deviation 1, empty cells at the mean; constant columns are left out."""
    filled = ~np.isnan(table).all(axis=0)
    table = table[:, filled]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    kept = (deviation > np.finfo(np.float64).tiny) & (deviation < np.inf)
    return np.asarray(np.nan_to_num((table[:, kept] - mean[kept]) / deviation[kept]), dtype=np.float64)


def _thinned(column: Sequence[float | None] | Sequence[str | None]) -> list[Any]:
    return list(column[:: -(-len(column) // MOST_ROWS)])
